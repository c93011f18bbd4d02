//! The characters of a text that may matter to somebody, found in one pass for all.

use super::character_kinds::{KindTable, Kinds};

/// A character that may play a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    /// Its first byte.
    pub(super) byte: usize,
    /// How many characters stand before it.
    pub(super) character: usize,
    pub(super) kinds: Kinds,
}

/// Replaces `marks` by the characters of `text` that may play one of the parts `wanted`, in
/// order, and returns how many characters there are of any kind.
pub(super) fn find(text: &str, wanted: Kinds, marks: &mut Vec<Mark>) -> usize {
    marks.clear();
    let table = KindTable::get();
    let mut character = 0;
    for (byte, c) in text.char_indices() {
        let kinds = table.of(c);
        if kinds.has(wanted) {
            marks.push(Mark { byte, character, kinds });
        }
        character += 1;
    }
    character
}

/// Those of `marks` that stand at `byte` or behind it.
pub(super) fn from(marks: &[Mark], byte: usize) -> &[Mark] {
    &marks[marks.partition_point(|mark| mark.byte < byte)..]
}
