#include "ms310/picture_source.h"

#include <gtest/gtest.h>

#include "ms310/error.h"
#include "plain_jpeg.h"

namespace ms310 {
namespace {

TEST(CpuSource, WhatOpenCvRefusesIsToldOfThePicture) {
  ImageInput input;
  input.spec = {"images", {1, 3, 0, 0}, DataType::kFloat32};  // no size for cv::resize
  input.mean = {0, 0, 0};
  input.std = {1, 1, 1};
  try {
    MakeCpuSource(input, Arithmetic::kDouble)->Prepare({"a.jpg", Jpeg(32, 32)});
    FAIL() << "no error";
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUserError);
    EXPECT_EQ(std::string(error.what()).rfind("a.jpg: cannot be brought to the model's size (", 0), 0U) << error.what();
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
  }
}

}  // namespace
}  // namespace ms310
