//! N-grams as paths in a trie whose edges are words, so that looking up all n-grams of a comment
//! hashes each word once and builds no string.

use rustc_hash::FxHashMap;

use super::vocabulary::TermId;
use super::words::WordTable;

/// No node or term.
pub(super) const NONE: u32 = u32::MAX;

/// The trie of n-grams: node 0 is the root, an edge is a word.
///
/// It is built by [`child_or_new`](Self::child_or_new), [sealed](Self::seal), and then walked.
#[derive(Debug, Clone, Default)]
pub(super) struct NgramTrie {
    pub(super) words: WordTable,
    /// The child that a word leads to from the root.
    first: Vec<Child>,
    /// The child that a word leads to from another node: key `(node << 32) | word`.
    further: FxHashMap<u64, Child>,
    /// How many nodes there are below the root; they count from 1.
    pub(super) nodes: u32,
}

/// A node, and what is known of it without looking elsewhere.
#[derive(Debug, Clone, Copy)]
pub(super) struct Child {
    node: u32,
    /// The term that ends there, or `NONE`.
    pub(super) term: TermId,
    /// The bit of each word that leads on from the node. Most words lead nowhere, and most of
    /// those are told by their bit, without a look into the table.
    filter: u32,
}

pub(super) const NO_CHILD: Child = Child { node: NONE, term: NONE, filter: 0 };

impl NgramTrie {
    pub(super) fn intern(&mut self, word: &str) -> u32 {
        let id = self.words.number(word);
        if id as usize == self.first.len() {
            self.first.push(NO_CHILD);
        }
        id
    }

    /// The node that `word` leads to from the root, or [`NO_CHILD`].
    #[inline]
    pub(super) fn root_child(&self, word: u32) -> Child {
        self.first.get(word as usize).copied().unwrap_or(NO_CHILD)
    }

    /// The node that `word` leads to from a node that was walked to, or [`NO_CHILD`], from which
    /// no word leads on.
    #[inline]
    pub(super) fn child(&self, parent: Child, word: u32) -> Child {
        if parent.filter & filter_bit(word) == 0 {
            return NO_CHILD;
        }
        self.further.get(&edge(parent.node, word)).copied().unwrap_or(NO_CHILD)
    }

    /// The node that `word` leads to from `node`, which is made where there is none. Nodes count
    /// from 1.
    pub(super) fn child_or_new(&mut self, node: u32, word: u32) -> u32 {
        let next = self.nodes + 1;
        let child = if node == 0 {
            &mut self.first[word as usize]
        } else {
            self.further.entry(edge(node, word)).or_insert(NO_CHILD)
        };
        if child.node == NONE {
            child.node = next;
            self.nodes = next;
        }
        child.node
    }

    /// Fills in the term that ends at each node and the filters, after which the trie may be
    /// walked.
    pub(super) fn seal(&mut self, term_at: &[TermId]) {
        let mut filters = vec![0; self.nodes as usize + 1];
        for &key in self.further.keys() {
            let (parent, word) = ((key >> 32) as usize, key as u32);
            filters[parent] |= filter_bit(word);
        }
        for child in self.first.iter_mut().chain(self.further.values_mut()) {
            if child.node != NONE {
                child.filter = filters[child.node as usize];
                child.term = term_at[child.node as usize];
            }
        }
    }
}

fn edge(node: u32, word: u32) -> u64 {
    u64::from(node) << 32 | u64::from(word)
}

/// One of 32 bits, by Fibonacci hashing. The number of no word has a bit like any other, and leads nowhere.
fn filter_bit(word: u32) -> u32 {
    1 << (word.wrapping_mul(0x9E37_79B9) >> 27)
}
