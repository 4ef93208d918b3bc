#include "ms310/listing.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <set>

#include "ms310/error.h"
#include "temporary_folder.h"

namespace ms310 {
namespace {

using Names = std::vector<std::string>;

Names NamesOf(const std::vector<ListedPicture>& pictures) {
  Names names;
  for (const ListedPicture& picture : pictures) names.push_back(picture.name);
  return names;
}

TEST(ResultNames, LeaveTheEndingOutWhereThatIsClear) {
  EXPECT_EQ(ResultNames({"a.b.jpg", "a.c.jpg", "sub/x.png"}), (Names{"a.b", "a.c", "sub__x"}));
}

TEST(ResultNames, KeepTheEndingsOfAllThatWouldBeAlike) {
  EXPECT_EQ(ResultNames({"a.jpg", "a.png", "b.jpg"}), (Names{"a.jpg", "a.png", "b"}));
}

TEST(ResultNames, CountWhatIsStillAlike) {
  EXPECT_EQ(ResultNames({"a/b.jpg", "a__b.jpg"}), (Names{"a__b.jpg", "a__b.jpg-2"}));
  EXPECT_EQ(ResultNames({"a.jpg", "a.jpg", "a.jpg-2.png"}), (Names{"a.jpg", "a.jpg-3", "a.jpg-2"}));
}

TEST(ResultNames, DoNotDifferInCaseAlone) { EXPECT_EQ(ResultNames({"A.jpg", "a.png"}), (Names{"A.jpg", "a.png"})); }

TEST(ResultNames, StayInTheFolder) {
  EXPECT_EQ(ResultNames({"/data/x.jpg", "../y.jpg", "./z.jpg"}), (Names{"data__x", "y", "z"}));
}

TEST(ResultNames, FitIntoAFileName) {
  const std::string deep = std::string(100, 'a') + "/" + std::string(100, 'b');
  const Names names = ResultNames({deep + "c.jpg", deep + "d.jpg", deep + "d.png", "x/" + deep + "d.png"});
  EXPECT_EQ(names, ResultNames({deep + "c.jpg", deep + "d.jpg", deep + "d.png", "x/" + deep + "d.png"}));
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), 4U);
  for (const std::string& name : names) EXPECT_EQ(name.size(), 180U) << name;
  EXPECT_EQ(ResultNames({std::string(180, 'a') + ".jpg"}), Names{std::string(180, 'a')});
}

TEST(ResultNames, AreCutBetweenCharacters) {
  for (const char* start : {"", "x", "xx"}) {
    std::string name = start;
    while (name.size() < 230) name += "\u20AC";  // three bytes
    const std::string cut = ResultNames({name + ".jpg"})[0];
    EXPECT_LE(cut.size(), 180U);
    const std::string kept = cut.substr(0, cut.find('-'));
    EXPECT_EQ(kept, name.substr(0, kept.size()));
    EXPECT_EQ((kept.size() - std::string(start).size()) % 3, 0U);
  }
}

TEST(ListPictures, SearchesInDepthAndSortsFolderByFolder) {
  const TemporaryFolder folder;
  for (const char* name : {"b.PNG", "a/z.jpeg", "a-b.jpg", "notes.txt", "a/deep/c.tif", "none"}) folder.Write(name, "x");
  const auto pictures = ListPictures(folder.path());
  EXPECT_EQ(NamesOf(pictures), (Names{"a__deep__c", "a__z", "a-b", "b"}));
  EXPECT_EQ(pictures[1].path, folder / "a/z.jpeg");
}

TEST(ListPictures, ReadsAListInItsOrder) {
  const TemporaryFolder folder;
  const std::string list = folder.Write("list.txt", "z.jpg\r\n\n  sub/a b.png \n/abs/olute.bmp");
  const auto pictures = ListPictures(list);
  EXPECT_EQ(NamesOf(pictures), (Names{"z", "sub__a b", "abs__olute"}));
  EXPECT_EQ(pictures[1].path, folder / "sub/a b.png");
  EXPECT_EQ(pictures[2].path, "/abs/olute.bmp");
}

TEST(ListPictures, RefusesWhatHasNoPictures) {
  const TemporaryFolder folder;
  EXPECT_NE(MessageOf([&] { ListPictures(folder.path()); }).find("no pictures"), std::string::npos);
  EXPECT_NE(MessageOf([&] { ListPictures(folder / "none"); }).find("No such file"), std::string::npos);
  EXPECT_NE(MessageOf([&] { ListPictures(folder.Write("a.jpg", "x")); }).find("neither"), std::string::npos);
  EXPECT_NE(MessageOf([&] { ListPictures(folder.Write("a.txt", "\n")); }).find("in this list"), std::string::npos);
}

TEST(ListPictures, LeavesTheFolderOfResultsOut) {
  const TemporaryFolder folder;
  for (const char* name : {"a.jpg", "out/a_map.png", "sub/out/b.png"}) folder.Write(name, "x");
  EXPECT_EQ(NamesOf(ListPictures(folder.path(), folder / "sub/../out/.")), (Names{"a", "sub__out__b"}));
  EXPECT_EQ(NamesOf(ListPictures(folder.path(), folder / "none")), (Names{"a", "out__a_map", "sub__out__b"}));
  EXPECT_EQ(NamesOf(ListPictures(folder.path(), folder.path())).size(), 3U);  // the data set itself stays
}

TEST(ListPictures, DoesNotFollowLinksInCircles) {
  const TemporaryFolder folder;
  folder.Write("a.jpg", "x");
  std::filesystem::create_directory_symlink(folder.path(), folder / "again");
  EXPECT_EQ(NamesOf(ListPictures(folder.path())), Names{"a"});
}

}  // namespace
}  // namespace ms310
