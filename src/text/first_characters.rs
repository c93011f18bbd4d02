//! Whether a word may be one of a few, told by its first character.

/// A set of first characters of three bytes, which may say of a few more that they are in it.
pub(super) struct FirstCharacters([u64; 4]);

impl FirstCharacters {
    /// Of no words.
    pub(super) const NONE: Self = Self([0; 4]);

    /// With the first characters of `words`, which are of three bytes each.
    pub(super) const fn with(mut self, words: &[&str]) -> Self {
        let mut position = 0;
        while position < words.len() {
            if let Some((place, bit)) = Self::bit(words[position]) {
                self.0[place] |= bit;
            }
            position += 1;
        }
        self
    }

    const fn bit(word: &str) -> Option<(usize, u64)> {
        let [_, second, third, ..] = word.as_bytes() else {
            return None;
        };
        let hash = second.wrapping_mul(5) ^ third.wrapping_mul(3);
        Some((hash as usize / 64, 1 << (hash % 64)))
    }

    /// Whether `word` may be one of the words; never `false` for one that is.
    pub(super) fn may_begin(&self, word: &str) -> bool {
        Self::bit(word).is_some_and(|(place, bit)| self.0[place] & bit != 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_told_by_its_first_character_and_most_others_are_told_to_be_none() {
        let words = ["未发现", "无", "但是", "若", "如果", "一旦"];
        let set = FirstCharacters::NONE.with(&words[..3]).with(&words[3..]);
        for word in words {
            assert!(set.may_begin(word), "{word}");
        }
        let ideographs = '\u{4E00}'..='\u{9FFF}';
        let taken = ideographs.filter(|c| set.may_begin(&c.to_string())).count();
        assert!(taken < 0x5200 / 32, "{taken}");
        assert!(!set.may_begin("") && !set.may_begin("m3"));
    }
}
