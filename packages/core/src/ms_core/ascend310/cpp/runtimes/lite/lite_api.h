// The C++ API of MindSpore Lite, as the 2.0.0 wheel and the 2.10 packages have it: what differs between the
// two lies here and nowhere else.
#pragma once

#include "include/api/context.h"
#include "include/api/data_type.h"
#include "include/api/model.h"
#include "include/api/status.h"
#include "include/api/types.h"
