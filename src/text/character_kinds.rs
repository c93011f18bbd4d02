//! What a character may be in a number, a name, the layout: one look tells that it is nothing, which
//! nearly every character of a comment is.

use std::sync::LazyLock;

use super::{boundaries, names, quantities};

/// A set of parts that a character may play.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Kinds(u16);

impl Kinds {
    /// An ASCII letter or digit.
    pub(super) const CODE: Self = Self(1);
    pub(super) const PLUS: Self = Self(1 << 1);
    /// The first of a plate.
    pub(super) const PROVINCE: Self = Self(1 << 2);
    /// The first of a surname.
    pub(super) const SURNAME: Self = Self(1 << 3);
    /// A surname that is, begins or ends ordinary words.
    pub(super) const AMBIGUOUS: Self = Self(1 << 4);
    /// A surname that is a verb, adverb or preposition, too.
    pub(super) const VERBAL: Self = Self(1 << 5);
    /// The first of a surname of two characters.
    pub(super) const DOUBLE: Self = Self(1 << 6);
    /// Ends a name and is in none.
    pub(super) const END: Self = Self(1 << 7);
    /// Mostly ends a name.
    pub(super) const MOSTLY_END: Self = Self(1 << 8);
    /// The first of a title.
    pub(super) const TITLE: Self = Self(1 << 9);
    /// The last of a role.
    pub(super) const ROLE: Self = Self(1 << 10);
    /// May stand before a name.
    pub(super) const BEFORE: Self = Self(1 << 11);
    /// The first of a quantity.
    pub(super) const QUANTITY: Self = Self(1 << 12);
    /// May begin a clause or a sentence by the layout, at its place or behind it.
    pub(super) const LAYOUT: Self = Self(1 << 13);
    /// Ends a sentence.
    pub(super) const STOP: Self = Self(1 << 14);

    /// The parts that `c` may play.
    pub(super) fn of(c: char) -> Self {
        KindTable::get().of(c)
    }

    /// These parts and those.
    pub(super) const fn and(self, kinds: Self) -> Self {
        Self(self.0 | kinds.0)
    }

    /// Whether one of `kinds` is among these.
    pub(super) fn has(self, kinds: Self) -> bool {
        self.0 & kinds.0 != 0
    }
}

/// Whether `c` is one of the ideographs of which nearly all of a comment is made.
#[inline]
pub(super) fn is_ideograph(c: char) -> bool {
    matches!(c, '\u{4E00}'..='\u{9FFF}')
}

/// The parts of each character, at hand for a loop over many.
#[derive(Debug, Clone, Copy)]
pub(super) struct KindTable(&'static [Kinds]);

impl KindTable {
    pub(super) fn get() -> Self {
        Self(&TABLE)
    }

    /// The parts that `c` may play.
    #[inline]
    pub(super) fn of(self, c: char) -> Kinds {
        self.0.get(c as usize).copied().unwrap_or_default()
    }
}

/// The first characters of plates.
const PROVINCES: &str = "京津冀晋蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新";

/// By character, in the basic plane.
static TABLE: LazyLock<Box<[Kinds]>> = LazyLock::new(|| {
    let mut table = vec![Kinds::default(); 1 << 16].into_boxed_slice();
    let mut put = |c: char, kind| {
        let kinds = &mut table[c as usize];
        *kinds = kinds.and(kind);
    };
    ('a'..='z').chain('0'..='9').for_each(|c| put(c, Kinds::CODE));
    put('+', Kinds::PLUS);
    PROVINCES.chars().for_each(|c| put(c, Kinds::PROVINCE));
    names::character_kinds(&mut put);
    for c in '\0'..='\u{FFFF}' {
        for (plays, kind) in [
            (quantities::begins_quantity(c), Kinds::QUANTITY),
            (boundaries::is_layout(c), Kinds::LAYOUT),
            (boundaries::ends_sentence(c), Kinds::STOP),
        ] {
            if plays {
                put(c, kind);
            }
        }
    }
    table
});
