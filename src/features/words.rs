//! Words to numbers, without a string compared on the way.

use rustc_hash::FxHashMap;

/// The number of a word that is in no table.
pub(super) const NO_WORD: u32 = u32::MAX;

/// Numbers words from 0 in the order in which they come.
///
/// Words of up to 15 bytes, which is five ideographs and so nearly all of them, are keys by
/// value: their bytes and their length in one 128-bit number. Longer ones are kept as strings.
#[derive(Debug, Clone, Default)]
pub(super) struct WordTable {
    short: FxHashMap<u128, u32>,
    long: FxHashMap<Box<str>, u32>,
}

impl WordTable {
    /// The number of `word`, or [`NO_WORD`].
    pub(super) fn get(&self, word: &str) -> u32 {
        let found = match packed(word) {
            Some(key) => self.short.get(&key),
            None => self.long.get(word),
        };
        found.copied().unwrap_or(NO_WORD)
    }

    /// The number of `word`, which is the next one if it is new.
    pub(super) fn number(&mut self, word: &str) -> u32 {
        let next = self.len() as u32;
        match packed(word) {
            Some(key) => *self.short.entry(key).or_insert(next),
            None => match self.long.get(word) {
                Some(&known) => known,
                None => {
                    self.long.insert(word.into(), next);
                    next
                }
            },
        }
    }

    /// How many words have a number.
    pub(super) fn len(&self) -> usize {
        self.short.len() + self.long.len()
    }
}

/// The bytes of a word of at most 15 bytes, and its length.
fn packed(word: &str) -> Option<u128> {
    let mut bytes = [0; 16];
    bytes.get_mut(..word.len())?.copy_from_slice(word.as_bytes());
    if word.len() == 16 {
        return None;
    }
    bytes[15] = word.len() as u8;
    Some(u128::from_le_bytes(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_numbered_in_order_and_found_again_whatever_their_length() {
        let mut table = WordTable::default();
        let words =
            ["逾期", "", "a", "a\0", "国家企业信", "国家企业信a", "国家企业信用信息公示系统"];
        for (number, word) in words.iter().enumerate() {
            assert_eq!(table.get(word), NO_WORD);
            assert_eq!(table.number(word), number as u32);
        }
        for (number, word) in words.iter().enumerate() {
            assert_eq!((table.get(word), table.number(word)), (number as u32, number as u32));
        }
        assert_eq!(table.len(), words.len());
    }
}
