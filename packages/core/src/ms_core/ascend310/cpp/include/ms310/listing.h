// Which pictures there are, and what the results of each are called.
#pragma once

#include <string>
#include <vector>

namespace ms310 {

struct ListedPicture {
  std::string path;   // to open it
  std::string name;   // NAME of its results: NAME_0.bin
  std::string error;  // not empty: why it (or a folder of this path) cannot be read; one line
};

// A folder is searched in depth for files with an ending of pictures (.jpg .jpeg .png .bmp .webp .tif .tiff, in any
// case), whose content decides later; hidden ones too, links to folders not followed. A .txt file names one picture a
// line, relative to its own folder or absolute, in this order, every ending; empty lines do not count. A folder inside
// that cannot be opened becomes an entry with an error.
// `left_out`, where not empty: a folder below that is not searched (the results lie there).
// Error(kUserError): no such folder or list, or no picture in it.
std::vector<ListedPicture> ListPictures(const std::string& dataset_path, const std::string& left_out = "");

// NAME of each relative path: without its ending, "/" as "__"; all that would share one NAME keep their endings, and
// what is still alike gets "-2", "-3", ... Case does not make names differ. Of names over 180 bytes the start and a
// hash of the whole are kept: file systems take 255 bytes, endings included.
std::vector<std::string> ResultNames(const std::vector<std::string>& relative_paths);

}  // namespace ms310
