// What the name of a file says, in whichever case it is written.
#pragma once

#include <string>

namespace ms310 {

// ASCII letters made small; other bytes stay.
std::string LowerCase(std::string text);

// Whether the file's name ends in `ending` (".om"), in any case; "" and names of the ending alone do not.
bool HasEnding(const std::string& path, const std::string& ending);

}  // namespace ms310
