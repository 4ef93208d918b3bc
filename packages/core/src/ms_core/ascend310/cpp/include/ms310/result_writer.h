// The result folder: NAME_0.bin, NAME_1.bin, ... of every picture, and index.jsonl, which says what they are.
#pragma once

#include <string>
#include <vector>

#include "ms310/picture_source.h"
#include "ms310/tensor.h"

namespace ms310 {

// Write a file whole or not at all: beside its place first, then renamed. Error where the system refuses.
void WriteFileAtomically(const std::string& path, const void* data, size_t size);

// Make a folder and those above it. Error where the system refuses.
void MakeFolder(const std::string& path);

// Make the result folder, and refuse one that holds results (index.jsonl, *_N.bin) where `overwrite` is false. Nothing is
// removed: what can fail before the first picture comes between this and ResultWriter. Error(kUserError): refused, or it
// cannot be made.
void CheckResultFolder(const std::string& folder, bool overwrite);

// Ending of class maps of segmentation, NAME_map.png. They are no outputs of the model: the index does not list them.
constexpr char kMapEnding[] = "_map.png";

// A file of one picture beside its outputs.
struct MoreFile {
  std::string ending;  // of its name, behind NAME
  std::vector<uint8_t> bytes;
};

// Until Finish() the index has a temporary name, so a folder with index.jsonl holds all that a run did; one without
// was left by a run that failed.
class ResultWriter {
 public:
  // CheckResultFolder(); with `overwrite` former results are removed, and maps of such a NAME; others stay.
  // Error(kUserError): the folder cannot be written.
  ResultWriter(const std::string& folder, bool overwrite);
  ~ResultWriter();
  ResultWriter(const ResultWriter&) = delete;
  ResultWriter& operator=(const ResultWriter&) = delete;

  // The outputs of one picture, each with a batch axis of length 1, which is left out. Error: disk full, ...;
  // no partly written file remains.
  void Write(const std::string& picture, const std::string& name, const Placement& placement,
             const std::vector<HostTensor>& outputs, const std::vector<MoreFile>& more = {});

  // A picture that was not done.
  void WriteFailure(const std::string& picture, const std::string& error);

  // Give the index its name. Error: disk full, ...
  void Finish();

 private:
  void Append(const std::string& line);

  std::string folder_;
  int index_ = -1;  // descriptor of the unfinished index
};

}  // namespace ms310
