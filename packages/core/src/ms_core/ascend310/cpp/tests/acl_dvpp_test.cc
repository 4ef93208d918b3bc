// Pictures by DVPP: its rules, and the source of pictures on a fake of the hardware.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <memory>

#include "ascend/dvpp_rules.h"
#include "fake_acl.h"
#include "plain_jpeg.h"
#include "ms310/error.h"
#include "ms310/runtime.h"

namespace ms310 {
namespace {

using ascend::CheckDvppInput;
using ascend::CheckJpeg;
using ascend::DecodedLayout;
using ascend::JpegHeader;
using ascend::ReadJpegHeader;
using ascend::ResizedLayout;

Manifest ManifestFor(int width, int height, Resize resize = Resize::kStretch) {
  Manifest manifest;
  manifest.path = "manifest.json";
  manifest.input.spec = {"images", {1, 3, height, width}, DataType::kFloat32};
  manifest.input.resize = resize;
  return manifest;
}

template <typename Action>
std::string UserErrorOf(const Action& action) {
  try {
    action();
  } catch (const Error& error) {
    EXPECT_EQ(error.code(), ExitCode::kUserError) << error.what();
    return error.what();
  }
  ADD_FAILURE() << "nothing was refused";
  return "";
}

bool Contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(DvppRules, TheModelsInputMustBeOneThatDvppCanWrite) {
  EXPECT_NO_THROW(CheckDvppInput(ManifestFor(320, 320)));
  EXPECT_NO_THROW(CheckDvppInput(ManifestFor(16, 2)));
  EXPECT_NO_THROW(CheckDvppInput(ManifestFor(4096, 4096)));
  for (const auto& [width, height] : {std::pair{300, 300}, {328, 320}, {320, 321}}) {
    const std::string message = UserErrorOf([w = width, h = height] { CheckDvppInput(ManifestFor(w, h)); });
    EXPECT_TRUE(Contains(message, "--cpu_dvpp=CPU")) << message;
    EXPECT_TRUE(Contains(message, std::to_string(width) + "x" + std::to_string(height))) << message;
  }
  EXPECT_TRUE(Contains(UserErrorOf([] { CheckDvppInput(ManifestFor(4112, 320)); }), "at most 4096x4096"));
  EXPECT_TRUE(
      Contains(UserErrorOf([] { CheckDvppInput(ManifestFor(320, 320, Resize::kFit)); }), "proportions"));
}

TEST(DvppRules, HeadersOfJpegsAreRead) {
  const JpegHeader plain = ReadJpegHeader(Jpeg(50, 40), "a.jpg");
  EXPECT_EQ(plain.width, 50);
  EXPECT_EQ(plain.height, 40);
  EXPECT_EQ(plain.components, 3);
  EXPECT_FALSE(plain.progressive || plain.arithmetic);
  EXPECT_EQ(plain.orientation, 1);
  EXPECT_EQ(ReadJpegHeader(Jpeg(50, 40, {false, false, JCS_GRAYSCALE, 1}), "a.jpg").components, 1);
  EXPECT_EQ(ReadJpegHeader(Jpeg(50, 40, {false, false, JCS_CMYK, 4}), "a.jpg").components, 4);
  EXPECT_TRUE(ReadJpegHeader(Jpeg(50, 40, {true}), "a.jpg").progressive);
  EXPECT_TRUE(ReadJpegHeader(Jpeg(50, 40, {false, true}), "a.jpg").arithmetic);
  EXPECT_EQ(ReadJpegHeader(Jpeg(50, 40, {false, false, JCS_RGB, 3, 6}), "a.jpg").orientation, 6);
}

TEST(DvppRules, EveryTruncationOfAHeaderIsTold) {
  const std::vector<uint8_t> whole = Jpeg(50, 40, {false, false, JCS_RGB, 3, 6});
  size_t needed = 0;  // bytes up to the end of the frame header
  for (size_t bytes = 0; bytes < whole.size(); ++bytes) {
    try {
      ReadJpegHeader({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(bytes)}, "a.jpg");
      needed = bytes;
      break;
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ExitCode::kUserError);
      EXPECT_EQ(std::string(error.what()).rfind("a.jpg: ", 0), 0u);
    }
  }
  EXPECT_GT(needed, 20u);
  std::vector<uint8_t> damaged = whole;
  damaged[2] = 0;  // no marker where one belongs
  EXPECT_TRUE(Contains(UserErrorOf([&] { ReadJpegHeader(damaged, "a.jpg"); }), "no JPEG"));
  damaged = whole;
  damaged[4] = damaged[5] = 0;  // a segment of no length
  EXPECT_TRUE(Contains(UserErrorOf([&] { ReadJpegHeader(damaged, "a.jpg"); }), "damaged"));
}

TEST(DvppRules, JpegsThatTheHardwareCannotDecodeAreRefused) {
  const auto target = ResizedLayout(320, 320);
  const JpegHeader good{640, 480, 3, false, false, 1};
  EXPECT_NO_THROW(CheckJpeg(good, target, "a.jpg"));
  const auto refusal = [&](auto change) {
    JpegHeader header = good;
    change(&header);
    const std::string message = UserErrorOf([&] { CheckJpeg(header, target, "a.jpg"); });
    EXPECT_TRUE(Contains(message, "a.jpg: ") && Contains(message, "--cpu_dvpp=CPU")) << message;
    return message;
  };
  EXPECT_TRUE(Contains(refusal([](JpegHeader* h) { h->progressive = true; }), "progressive"));
  EXPECT_TRUE(Contains(refusal([](JpegHeader* h) { h->arithmetic = true; }), "arithmetic"));
  EXPECT_TRUE(Contains(refusal([](JpegHeader* h) { h->components = 4; }), "4 channels"));
  EXPECT_TRUE(Contains(refusal([](JpegHeader* h) { h->width = 31; }), "31x480"));
  EXPECT_TRUE(Contains(refusal([](JpegHeader* h) { h->height = 8193; }), "640x8193"));
  const auto tiny = ResizedLayout(16, 16);
  EXPECT_TRUE(Contains(UserErrorOf([&] { CheckJpeg(good, tiny, "a.jpg"); }), "1/32 to 16"));
  EXPECT_NO_THROW(CheckJpeg({512, 512, 3, false, false, 1}, tiny, "a.jpg"));  // 32 times smaller
  const auto huge = ResizedLayout(528, 512);
  EXPECT_TRUE(
      Contains(UserErrorOf([&] { CheckJpeg({32, 32, 3, false, false, 1}, huge, "a.jpg"); }), "1/32 to 16"));
}

TEST(DvppRules, RowsArePaddedAsTheChipWants) {
  const JpegHeader header{450, 333, 3, false, false, 1};
  for (const char* soc : {"Ascend310", "Ascend910A", "Ascend910B", "Ascend910ProA"}) {
    EXPECT_EQ(DecodedLayout(header, soc).width_stride, 512u) << soc;
  }
  for (const char* soc : {"Ascend310P3", "Ascend310B1", "Ascend910B4", "Ascend910_9362"}) {
    EXPECT_EQ(DecodedLayout({390, 333, 3, false, false, 1}, soc).width_stride, 448u) << soc;
  }
  EXPECT_EQ(DecodedLayout(header, "Ascend310").height_stride, 336u);
  EXPECT_EQ(DecodedLayout(header, "Ascend310").Bytes(), 512u * 336 * 3 / 2);
  const auto sideways = DecodedLayout({450, 333, 3, false, false, 6}, "Ascend310");  // comes out upright
  EXPECT_EQ(sideways.width, 333u);
  EXPECT_EQ(sideways.height, 450u);
  EXPECT_EQ(sideways.width_stride, 384u);
  EXPECT_EQ(ResizedLayout(320, 320).Bytes(), 320u * 320 * 3 / 2);
}

constexpr int kWidth = 48, kHeight = 32;

// Takes YUV420SP as aipp_yuv.cfg makes it and gives the plane of Y back.
fake_acl::Model YuvModel(int width, int height) {
  fake_acl::Model model;
  model.inputs = {{"images", {1, height * 3 / 2, width, 1}, ACL_UINT8}};
  model.outputs = {{"grey", {1, height, width}, ACL_UINT8}};
  model.static_aipp = true;
  model.run = [](const std::vector<fake_acl::Span>& inputs, const std::vector<fake_acl::Span>& outputs) {
    std::copy_n(inputs[0].data, outputs[0].bytes, outputs[0].data);
  };
  return model;
}

class DvppTest : public testing::TestWithParam<const char*> {
 protected:
  void SetUp() override {
    const char* test = testing::UnitTest::GetInstance()->current_test_info()->name();
    std::string name = std::string("dvpp_") + test;
    for (char& letter : name) letter = letter == '/' ? '_' : letter;
    folder_ = std::filesystem::path(testing::TempDir()) / name;
    std::filesystem::create_directories(folder_);
    Start();
  }

  void TearDown() override {
    EXPECT_EQ(fake_acl::Alive(), (std::map<std::string, int>{}));
    EXPECT_EQ(fake_acl::Misuse(), std::vector<std::string>{});
    std::filesystem::remove_all(folder_);
  }

  // A fresh fake, with the model that the options name.
  void Start(fake_acl::Machine machine = {}, int width = kWidth, int height = kHeight) {
    fake_acl::Reset(machine);
    options_.model_path = folder_ / "model.om";
    std::ofstream(options_.model_path) << "om";
    fake_acl::AddModel(options_.model_path, YuvModel(width, height));
  }

  std::filesystem::path folder_;
  RuntimeOptions options_;
};

// What the model saw of a picture, and where it lies.
std::pair<std::vector<uint8_t>, Placement> Seen(const RuntimeOptions& options,
                                                const std::vector<uint8_t>& jpeg) {
  const auto runtime = MakeAclRuntime(options);
  const auto source = runtime->MakeDvppSource(ManifestFor(kWidth, kHeight));
  const PreparedPicture picture = source->Prepare({"a.jpg", jpeg});
  EXPECT_TRUE(picture.tensor.bytes.empty());
  EXPECT_EQ(Describe(picture.tensor.spec), "images uint8 [1, 48, 48, 1]");
  return {runtime->Run({picture.tensor})[0].bytes, picture.placement};
}

void ExpectStretched(const std::vector<uint8_t>& seen, uint32_t width, uint32_t height) {
  ASSERT_EQ(seen.size(), size_t{kWidth} * kHeight);
  for (uint32_t row = 0; row < kHeight; ++row) {
    for (uint32_t column = 0; column < kWidth; ++column) {
      ASSERT_EQ(seen[row * kWidth + column],
                fake_acl::DecodedGrey(row * height / kHeight, column * width / kWidth))
          << row << ", " << column;
    }
  }
}

TEST_P(DvppTest, AJpegGoesThroughTheHardwareIntoTheModel) {
  fake_acl::Machine machine;
  machine.soc = GetParam();
  Start(machine);
  const auto [seen, placement] = Seen(options_, Jpeg(150, 70));
  ExpectStretched(seen, 150, 70);
  EXPECT_EQ(placement.width, 150);
  EXPECT_EQ(placement.height, 70);
  EXPECT_EQ(placement.input_width, kWidth);
  EXPECT_EQ(placement.input_height, kHeight);
  EXPECT_EQ(placement.fitted_width, kWidth);
  EXPECT_EQ(placement.fitted_height, kHeight);
}

TEST_P(DvppTest, OddSidesAreThoseOfTheOriginalInThePlacement) {
  const auto [seen, placement] = Seen(options_, Jpeg(151, 71));
  ExpectStretched(seen, 150, 70);
  EXPECT_EQ(placement.width, 151);
  EXPECT_EQ(placement.height, 71);
}

TEST_P(DvppTest, SidewaysPicturesComeOutUpright) {
  const std::vector<uint8_t> sideways = Jpeg(150, 70, {false, false, JCS_RGB, 3, 6});
  const auto [seen, placement] = Seen(options_, sideways);
  ExpectStretched(seen, 70, 150);
  EXPECT_EQ(placement.width, 70);
  EXPECT_EQ(placement.height, 150);

  fake_acl::Machine machine;
  machine.turns_pictures = false;  // not what the documentation says: told, instead of a wrong picture
  Start(machine);
  EXPECT_TRUE(Contains(UserErrorOf([&] { Seen(options_, sideways); }),
                       "a.jpg: DVPP decoded 150x70 pixels of 70x150"));
}

INSTANTIATE_TEST_SUITE_P(Chips, DvppTest, testing::Values("Ascend310", "Ascend310P3"));

class DvppSourceTest : public DvppTest {};

TEST_F(DvppSourceTest, PreparedPicturesOutliveTheNextOneAndTheSource) {
  const auto runtime = MakeAclRuntime(options_);
  auto source = runtime->MakeDvppSource(ManifestFor(kWidth, kHeight));
  const PreparedPicture first = source->Prepare({"a.jpg", Jpeg(96, 64)});
  const PreparedPicture second = source->Prepare({"b.jpg", Jpeg(480, 320)});  // larger: buffers grow
  const PreparedPicture third = source->Prepare({"c.jpg", Jpeg(32, 32)});
  source.reset();
  ExpectStretched(runtime->Run({first.tensor})[0].bytes, 96, 64);
  ExpectStretched(runtime->Run({third.tensor})[0].bytes, 32, 32);
  ExpectStretched(runtime->Run({second.tensor})[0].bytes, 480, 320);
}

TEST_F(DvppSourceTest, ABadPictureIsRefusedAndTheNextOneDone) {
  const auto runtime = MakeAclRuntime(options_);
  const auto source = runtime->MakeDvppSource(ManifestFor(kWidth, kHeight));
  const std::vector<uint8_t> png{0x89, 'P', 'N', 'G', '\r', '\n', 0x1A, '\n'};
  EXPECT_EQ(UserErrorOf([&] { source->Prepare({"a.png", png}); }),
            "a.png: no JPEG file, and DVPP decodes nothing else. Use --cpu_dvpp=CPU.");
  EXPECT_TRUE(
      Contains(UserErrorOf([&] { source->Prepare({"p.jpg", Jpeg(64, 64, {true})}); }), "progressive"));
  EXPECT_TRUE(Contains(UserErrorOf([&] { source->Prepare({"e.jpg", {}}); }), "e.jpg: no JPEG file"));
  ExpectStretched(runtime->Run({source->Prepare({"a.jpg", Jpeg(64, 64)}).tensor})[0].bytes, 64, 64);
}

TEST_F(DvppSourceTest, AModelWithoutYuvAippIsRefused) {
  const auto refusal = [&](const fake_acl::Model& model) {
    fake_acl::AddModel(options_.model_path, model);
    const auto runtime = MakeAclRuntime(options_);
    return UserErrorOf([&] { runtime->MakeDvppSource(ManifestFor(kWidth, kHeight)); });
  };
  fake_acl::Model model = YuvModel(kWidth, kHeight);
  model.inputs = {{"images", {1, 3, kHeight, kWidth}, ACL_FLOAT}};
  model.static_aipp = false;
  EXPECT_TRUE(Contains(refusal(model), "takes images float32 [1, 3, 32, 48], not YUV420SP"));
  EXPECT_TRUE(Contains(refusal(YuvModel(64, 32)), "aipp_yuv.cfg"));
  model = YuvModel(kWidth, kHeight);
  model.swap = true;  // V before U
  EXPECT_TRUE(Contains(refusal(model), "aipp_yuv.cfg"));
}

// A call's place among those of one more picture, counted from the next call.
int PlaceOf(const std::string& call, PictureSource* source) {
  const size_t before = fake_acl::Calls().size();
  source->Prepare({"a.jpg", Jpeg(64, 64)});
  const std::vector<std::string> calls = fake_acl::Calls();
  const auto first = calls.begin() + static_cast<std::ptrdiff_t>(before);
  return static_cast<int>(std::find(first, calls.end(), call) - first) + 1;
}

// What a picture ends in where that call fails.
ExitCode CodeOfFailure(int place, PictureSource* source) {
  fake_acl::FailAt(place);
  try {
    source->Prepare({"a.jpg", Jpeg(64, 64)});
  } catch (const Error& error) {
    fake_acl::FailAt(0);
    return error.code();
  }
  return ExitCode::kDone;
}

TEST_F(DvppSourceTest, ADecoderThatFailsAgainAndAgainEndsTheProgram) {
  const auto runtime = MakeAclRuntime(options_);
  const auto source = runtime->MakeDvppSource(ManifestFor(kWidth, kHeight));
  source->Prepare({"a.jpg", Jpeg(64, 64)});  // buffers are made
  const int wait = PlaceOf("aclrtSynchronizeStream", source.get());
  EXPECT_EQ(CodeOfFailure(wait, source.get()), ExitCode::kUserError);
  EXPECT_EQ(CodeOfFailure(wait, source.get()), ExitCode::kUserError);
  source->Prepare({"a.jpg", Jpeg(64, 64)});  // the count starts again
  EXPECT_EQ(CodeOfFailure(wait, source.get()), ExitCode::kUserError);
  EXPECT_EQ(CodeOfFailure(wait, source.get()), ExitCode::kUserError);
  EXPECT_EQ(CodeOfFailure(wait, source.get()), ExitCode::kRuntimeFailure);
}

TEST_F(DvppSourceTest, ADecoderThatTakesNoWorkEndsTheProgram) {
  const auto runtime = MakeAclRuntime(options_);
  const auto source = runtime->MakeDvppSource(ManifestFor(kWidth, kHeight));
  source->Prepare({"a.jpg", Jpeg(64, 64)});
  const int queue = PlaceOf("acldvppJpegDecodeAsync", source.get());
  EXPECT_EQ(CodeOfFailure(queue, source.get()), ExitCode::kRuntimeFailure);
}

// One picture from the file to the model's output with the n-th call failing; what it ends in, "" for
// nothing.
std::string RunWithFailure(const RuntimeOptions& options, int n) {
  fake_acl::FailAt(n);
  try {
    Seen(options, Jpeg(150, 70));
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST_F(DvppSourceTest, EveryFailureIsToldAndReleasesEverything) {
  EXPECT_EQ(RunWithFailure(options_, 0), "");
  const int count = static_cast<int>(fake_acl::Calls().size());
  ASSERT_GT(count, 70);
  for (int n = 1; n <= count; ++n) {
    Start();
    testing::internal::CaptureStderr();
    const std::string message = RunWithFailure(options_, n);
    const std::string told = testing::internal::GetCapturedStderr();
    const std::string call = fake_acl::Calls().at(n - 1);
    SCOPED_TRACE(call + ", call " + std::to_string(n) + ": " + message + told);
    EXPECT_EQ(fake_acl::Alive(), (std::map<std::string, int>{}));
    EXPECT_EQ(fake_acl::Misuse(), std::vector<std::string>{});
    EXPECT_EQ(message.find('\n'), std::string::npos);
    EXPECT_FALSE(message.empty() && told.empty());
    if (Contains(call, "dvpp") && !Contains(call, "GetPicDesc")) {
      EXPECT_TRUE(Contains(message + told, "planned failure of " + call));
    }
  }
}

}  // namespace
}  // namespace ms310
