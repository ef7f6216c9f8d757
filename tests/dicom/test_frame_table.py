import pytest

from dicom.frame_table import EncapsulatedFrames, NativeFrames, frame_place, number_of_frames, unpack


def test_native_frames_follow_each_other():
    packed = NativeFrames(1000, 80, 3).pack()

    assert number_of_frames(packed) == len(unpack(packed)) == 3
    assert [frame_place(packed, index) for index in range(3)] == [
        (((1000, 10),), 0, 80),
        (((1010, 10),), 0, 80),
        (((1020, 10),), 0, 80),
    ]


def test_one_bit_frames_may_start_inside_a_byte():
    packed = NativeFrames(1000, 9, 2).pack()

    assert frame_place(packed, 0) == (((1000, 2),), 0, 9)
    assert frame_place(packed, 1) == (((1001, 2),), 1, 9)


def test_encapsulated_frames_have_their_fragments():
    table = EncapsulatedFrames((((10, 2),), ((20, 4), (2**33, 6))))
    packed = table.pack()

    assert number_of_frames(packed) == len(table) == 2
    assert frame_place(packed, 0) == (((10, 2),), 0, 0)
    assert frame_place(packed, 1) == (((20, 4), (2**33, 6)), 0, 0)


@pytest.mark.parametrize("table", [NativeFrames(7, 16, 2), EncapsulatedFrames((((1, 2),), ((3, 4),)))])
def test_a_table_survives_packing(table):
    assert unpack(table.pack()) == table


@pytest.mark.parametrize("index", [-1, 2])
def test_there_are_no_other_frames(index):
    with pytest.raises(IndexError):
        frame_place(NativeFrames(0, 8, 2).pack(), index)
