//! Words to numbers, without a string compared on the way.

use rustc_hash::FxHashMap;

/// The number of a word that is in no table.
pub(super) const NO_WORD: u32 = u32::MAX;

/// Stands among the numbers of words where no n-gram reaches across.
pub(super) const BREAK: u32 = u32::MAX - 1;

/// Numbers words from 0 in the order in which they come.
///
/// A word of one character of the basic plane is an index. Words of up to 15 bytes, which is five ideographs and so nearly all of them, are keys by
/// value: their bytes and their length in one 128-bit number. Longer ones are kept as strings.
#[derive(Debug, Clone)]
pub(super) struct WordTable {
    /// The number of each character of the basic plane.
    single: Vec<u32>,
    singles: usize,
    short: FxHashMap<u128, u32>,
    long: FxHashMap<Box<str>, u32>,
}

impl Default for WordTable {
    fn default() -> Self {
        Self {
            single: vec![NO_WORD; 1 << 16],
            singles: 0,
            short: FxHashMap::default(),
            long: FxHashMap::default(),
        }
    }
}

impl WordTable {
    /// The number of `word`, or [`NO_WORD`].
    #[inline]
    pub(super) fn get(&self, word: &str) -> u32 {
        if let Some(character) = single(word) {
            return self.single[character];
        }
        let found = match packed(word) {
            Some(key) => self.short.get(&key),
            None => self.long.get(word),
        };
        found.copied().unwrap_or(NO_WORD)
    }

    /// The number of the word that is `character`, or [`NO_WORD`].
    #[inline]
    pub(super) fn character(&self, character: char) -> u32 {
        match self.single.get(character as usize) {
            Some(&number) => number,
            None => self.get(character.encode_utf8(&mut [0; 4])),
        }
    }

    /// The number of `word`, which is the next one if it is new.
    pub(super) fn number(&mut self, word: &str) -> u32 {
        let next = self.len() as u32;
        if let Some(character) = single(word) {
            let place = &mut self.single[character];
            if *place == NO_WORD {
                *place = next;
                self.singles += 1;
            }
            return *place;
        }
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
        self.singles + self.short.len() + self.long.len()
    }
}

/// The code point of a word of one character of the basic plane.
#[inline]
fn single(word: &str) -> Option<usize> {
    // No such character has more than three bytes.
    if word.len() > 3 {
        return None;
    }
    let mut characters = word.chars();
    match (characters.next(), characters.next()) {
        (Some(character), None) => Some(character as usize),
        _ => None,
    }
}

/// The bytes of a word of at most 15 bytes, and its length.
fn packed(word: &str) -> Option<u128> {
    let bytes = word.as_bytes();
    let length = bytes.len();
    if length > 15 {
        return None;
    }
    // In one or two pieces of a fixed length, which may overlap: copying bytes of any number is a
    // call, and takes longer than all the rest of this.
    let value = match (bytes.first_chunk(), bytes.last_chunk()) {
        (Some(first), Some(last)) => {
            let rest = u128::from(u64::from_le_bytes(*last)) >> (8 * (16 - length));
            u128::from(u64::from_le_bytes(*first)) | rest << 64
        }
        _ => match (bytes.first_chunk(), bytes.last_chunk()) {
            (Some(first), Some(last)) => {
                let rest = u128::from(u32::from_le_bytes(*last)) >> (8 * (8 - length));
                u128::from(u32::from_le_bytes(*first)) | rest << 32
            }
            _ => bytes.iter().rev().fold(0, |value, byte| value << 8 | u128::from(*byte)),
        },
    };
    Some(value | (length as u128) << 120)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_short_word_is_packed_as_its_bytes_and_its_length() {
        let text = "a\u{7f}b2345678ijklmn";
        for length in 0..=text.len() {
            let mut bytes = [0; 16];
            bytes[..length.min(15)].copy_from_slice(&text.as_bytes()[..length.min(15)]);
            bytes[15] = length as u8;
            let expected = (length <= 15).then_some(u128::from_le_bytes(bytes));
            assert_eq!(packed(&text[..length]), expected, "{length}");
        }
    }

    #[test]
    fn words_are_numbered_in_order_and_found_again_whatever_their_length() {
        let mut table = WordTable::default();
        let words = [
            "逾期",
            "",
            "a",
            "a\0",
            "ab",
            "😀",
            "国家企业信",
            "国家企业信a",
            "国家企业信用信息公示系统",
        ];
        for (number, word) in words.iter().enumerate() {
            assert_eq!(table.get(word), NO_WORD);
            assert_eq!(table.number(word), number as u32);
        }
        for (number, word) in words.iter().enumerate() {
            assert_eq!((table.get(word), table.number(word)), (number as u32, number as u32));
            let mut characters = word.chars();
            if let (Some(only), None) = (characters.next(), characters.next()) {
                assert_eq!(table.character(only), number as u32);
            }
        }
        assert_eq!(table.len(), words.len());
    }
}
