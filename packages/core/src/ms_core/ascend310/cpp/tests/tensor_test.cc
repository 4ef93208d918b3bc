#include "ms310/tensor.h"

#include <gtest/gtest.h>

#include "ms310/error.h"

namespace ms310 {
namespace {

TEST(Tensor, KeepsItsValues) {
  const HostTensor tensor = FloatTensor("scale", {1, 2}, {0.5F, 2.0F});
  EXPECT_EQ(Values<float>(tensor)[1], 2.0F);
  EXPECT_EQ(Describe(tensor.spec), "scale float32 [1, 2]");
}

TEST(Tensor, RefusesAnotherTypeOrLength) {
  HostTensor tensor = ZeroTensor({"labels", {1, 3}, DataType::kInt32});
  EXPECT_THROW(Values<float>(tensor), Error);
  tensor.bytes.pop_back();
  EXPECT_THROW(Values<int32_t>(tensor), Error);
  EXPECT_THROW(FloatTensor("x", {3}, {1.0F}), Error);
}

TEST(Tensor, RefusesOpenAndAbsurdShapes) {
  EXPECT_EQ(ElementCount({}), 1);
  EXPECT_EQ(ElementCount({2, 0}), 0);
  EXPECT_THROW(ElementCount({-1, 3}), Error);
  EXPECT_THROW(ElementCount({int64_t{1} << 30, int64_t{1} << 30, 1 << 10}), Error);
}

TEST(Tensor, KnowsTypesByName) {
  for (const DataType type : {DataType::kFloat32, DataType::kInt32, DataType::kUint8}) {
    EXPECT_EQ(DataTypeFromName(DataTypeName(type), ""), type);
  }
  EXPECT_THROW(DataTypeFromName("float16", "manifest.json: input: dtype"), Error);
}

TEST(OneLine, JoinsLinesAndCutsLongOnes) {
  EXPECT_EQ(OneLine(" a\n\n b\t"), "a b");
  EXPECT_EQ(OneLine("abcdef", 3), "abc...");
}

}  // namespace
}  // namespace ms310
