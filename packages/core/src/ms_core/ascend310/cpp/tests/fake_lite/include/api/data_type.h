// Part of model.h in this fake.
#pragma once

#include "include/api/model.h"
