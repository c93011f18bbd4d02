//! What is only supposed: 若年底前仍未续保则逾期 names what might come, not what is.

use super::first_characters::FirstCharacters;

/// What stands before a word that is only supposed.
pub(super) const MARK: char = '?';

/// Whole words of the segmenter that open a supposition.
const CUES: [&str; 13] = [
    "若", "如", "如果", "一旦", "倘若", "万一", "假如", "要是", "假若", "倘", "若是", "如若",
    "假设",
];

/// Most words are told by their first character to be no cue.
const FIRST_CHARACTERS: FirstCharacters = FirstCharacters::NONE.with(&CUES);

/// Follows the words of a text and tells which of them are only supposed: all behind a cue, to the
/// end of the sentence, because the consequence often stands behind a comma.
#[derive(Debug, Default)]
pub(super) struct HypotheticalScope {
    open: bool,
}

impl HypotheticalScope {
    /// A sentence has ended.
    pub(super) fn end_sentence(&mut self) {
        self.open = false;
    }

    /// Whether `word`, the next one of its sentence, is only supposed. A cue is.
    pub(super) fn supposes(&mut self, word: &str) -> bool {
        self.open |= FIRST_CHARACTERS.may_begin(word) && CUES.contains(&word);
        self.open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_a_cue_is_supposed_to_the_end_of_the_sentence() {
        let mut scope = HypotheticalScope::default();
        let supposed: Vec<bool> =
            ["还款", "正常", "若", "逾期", "则", "起诉"].map(|word| scope.supposes(word)).into();
        assert_eq!(supposed, [false, false, true, true, true, true]);
        scope.end_sentence();
        assert!(!scope.supposes("逾期"));
    }

    #[test]
    fn a_word_that_only_begins_like_a_cue_is_none() {
        let mut scope = HypotheticalScope::default();
        assert!(!["如期", "如实", "若干", "例如"].iter().any(|word| scope.supposes(word)));
    }
}
