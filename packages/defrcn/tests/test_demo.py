"""The table at the end of the demo."""

from ms_defrcn.demo import Row, table_lines


def test_four_ways_in_per_cent_with_their_mean():
    lines = table_lines([Row(True, True, (0.5, 0.25, 0.75)), Row(False, False, (0.1, 0.2, 0.3))])
    assert lines[0].split()[-7:] == ["draw", "0", "draw", "1", "draw", "2", "mean"]
    assert lines[1].startswith("GDL, PCB ")
    assert lines[1].split()[-4:] == ["50.0", "25.0", "75.0", "50.0"]
    assert lines[2].startswith("no GDL, no PCB ")
    assert lines[2].split()[-4:] == ["10.0", "20.0", "30.0", "20.0"]
