//! N-grams as paths in a trie whose edges are words, so that looking up all n-grams of a comment
//! hashes each word once and builds no string.

use rustc_hash::FxHashMap;

use super::words::{NO_WORD, WordTable};

/// No node or term.
pub(super) const NONE: u32 = u32::MAX;

/// The trie of n-grams: node 0 is the root, an edge is a word.
#[derive(Debug, Clone, Default)]
pub(super) struct NgramTrie {
    pub(super) words: WordTable,
    /// The node that a word leads to from the root, or `NONE`.
    first: Vec<u32>,
    /// The node that a word leads to from another node: key `(node << 32) | word`.
    further: FxHashMap<u64, u32>,
    /// How many nodes there are below the root; they count from 1.
    pub(super) nodes: u32,
}

impl NgramTrie {
    pub(super) fn intern(&mut self, word: &str) -> u32 {
        let id = self.words.number(word);
        if id as usize == self.first.len() {
            self.first.push(NONE);
        }
        id
    }

    /// The node that `word` leads to from `node`, or `NONE`.
    pub(super) fn child(&self, node: u32, word: u32) -> u32 {
        if word == NO_WORD {
            NONE
        } else if node == 0 {
            self.first[word as usize]
        } else {
            self.further.get(&edge(node, word)).copied().unwrap_or(NONE)
        }
    }

    /// As [`child`](Self::child), making the node where there is none. Nodes count from 1.
    pub(super) fn child_or_new(&mut self, node: u32, word: u32) -> u32 {
        let next = self.nodes + 1;
        let child = if node == 0 {
            &mut self.first[word as usize]
        } else {
            self.further.entry(edge(node, word)).or_insert(NONE)
        };
        if *child == NONE {
            *child = next;
            self.nodes = next;
        }
        *child
    }
}

fn edge(node: u32, word: u32) -> u64 {
    u64::from(node) << 32 | u64::from(word)
}
