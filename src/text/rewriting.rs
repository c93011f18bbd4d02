//! A normal form with symbols in the place of what they stand for.

use std::ops::Range;

use super::alignment::Alignment;
use super::identifiers::Replacement;
use super::marks::Mark;
use super::quantities::{Quantity, QuantityReading};
use super::symbols::symbol;

/// Replaces `rewritten` by `text` with a symbol in the place of each of `replacements` and, where
/// asked for, of each quantity with its unit. `marks` are at least the characters of `text` at
/// which a quantity may begin.
pub(super) fn rewrite(
    text: &str,
    marks: &[Mark],
    replacements: &[Replacement],
    quantities: QuantityReading,
    rewritten: &mut String,
    alignment: &mut Alignment,
) {
    rewritten.clear();
    alignment.clear();
    let mut copied = 0;
    let mut put = |range: Range<usize>, position| {
        copy(text, copied..range.start, rewritten, alignment);
        copied = range.end;
        if !range.is_empty() {
            let symbol = symbol(position);
            alignment.push(rewritten.len(), symbol.len_utf8(), range);
            rewritten.push(symbol);
        }
    };
    let mut start = 0;
    for replacement in replacements {
        if quantities != QuantityReading::Off {
            Quantity::find(text, marks, start..replacement.start, quantities, &mut put);
        }
        put(replacement.start..replacement.end, replacement.symbol);
        start = replacement.end;
    }
    if quantities != QuantityReading::Off {
        Quantity::find(text, marks, start..text.len(), quantities, &mut put);
    }
    put(text.len()..text.len(), 0);
}

fn copy(text: &str, range: Range<usize>, rewritten: &mut String, alignment: &mut Alignment) {
    if !range.is_empty() {
        alignment.push(rewritten.len(), range.len(), range.clone());
        rewritten.push_str(&text[range]);
    }
}

/// The same in buffers of its own.
#[cfg(test)]
pub(super) fn rewritten(
    text: &str,
    replacements: &[Replacement],
    quantities: QuantityReading,
) -> (String, Alignment) {
    let (mut marks, mut rewritten, mut alignment) = Default::default();
    super::marks::find(text, super::character_kinds::Kinds::QUANTITY, &mut marks);
    rewrite(text, &marks, replacements, quantities, &mut rewritten, &mut alignment);
    (rewritten, alignment)
}
