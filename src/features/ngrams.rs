//! N-grams as paths in a trie whose edges are words, so that looking up all n-grams of a comment
//! hashes each word once and builds no string.

use rustc_hash::FxHashMap;

use super::occurrences::Occurrence;
use super::vocabulary::TermId;
use super::words::{NO_WORD, WordTable};

/// No node or term.
pub(super) const NONE: u32 = u32::MAX;

/// Marks an edge as the last word of a pair that skips some: `客户 … 进店` is the path 客户,
/// 进店 `| SKIP`.
pub(super) const SKIP: u32 = 1 << 31;

/// Marks a [`Step`] as a term that no word leads on from.
const LEAF: u32 = 1 << 31;

/// The trie of n-grams while it grows: node 0 is the root, an edge is a word.
#[derive(Debug, Clone, Default)]
pub(super) struct NgramTrie {
    words: WordTable,
    /// The child that a word leads to from the root, or `NONE`.
    first: Vec<u32>,
    /// The child that a word leads to from another node: key `(node << 32) | word`.
    further: FxHashMap<u64, u32>,
    /// Each node's parent and the word that leads to it, from node 1.
    edges: Vec<Edge>,
}

#[derive(Debug, Clone, Copy)]
struct Edge {
    parent: u32,
    word: u32,
}

impl NgramTrie {
    /// The number of `word`, which is the next one if it is new.
    pub(super) fn intern(&mut self, word: &str) -> u32 {
        let id = self.words.number(word);
        if id as usize == self.first.len() {
            self.first.push(NONE);
        }
        id
    }

    /// How many nodes there are below the root; they count from 1.
    pub(super) fn len(&self) -> usize {
        self.edges.len()
    }

    /// The node that `word` leads to from `node`, which is made where there is none.
    pub(super) fn child_or_new(&mut self, node: u32, word: u32) -> u32 {
        let child = match node {
            0 => &mut self.first[word as usize],
            _ => self.further.entry(u64::from(node) << 32 | u64::from(word)).or_insert(NONE),
        };
        if *child == NONE {
            self.edges.push(Edge { parent: node, word });
            *child = self.edges.len() as u32;
        }
        *child
    }

    /// The words on the way from the root to `node`, the last one first.
    pub(super) fn path(&self, mut node: u32) -> impl Iterator<Item = u32> {
        std::iter::from_fn(move || {
            let edge = self.edges.get((node as usize).checked_sub(1)?)?;
            node = edge.parent;
            Some(edge.word)
        })
    }

    /// The trie to be walked, with the term that ends at each node, or `NONE`.
    ///
    /// All children of a node lie together, and the nodes in the order in which they were made:
    /// where common n-grams are made first, what comments need lies close together.
    pub(super) fn into_index(self, term_at: &[TermId]) -> NgramIndex {
        let Self { words, first, edges, .. } = self;
        let mut children_of = vec![0_u32; edges.len() + 1];
        edges.iter().for_each(|edge| children_of[edge.parent as usize] += 1);

        // The step that each node of the trie becomes. Children of the root come first, by their
        // words.
        let mut nodes = vec![Node::LEADS_NOWHERE; first.len()];
        let mut steps = vec![Step::NONE; edges.len() + 1];
        let mut size = 1;
        for (edge, node) in edges.iter().zip(1..) {
            let (term, children) = (term_at[node], children_of[node]);
            let place = match edge.parent {
                0 => edge.word as usize,
                _ if children == 0 => {
                    steps[node] = Step(term | LEAF);
                    continue;
                }
                _ => {
                    nodes.push(Node::LEADS_NOWHERE);
                    nodes.len() - 1
                }
            };
            nodes[place].term = term;
            steps[node] = Step(place as u32);
            nodes[place].first = size;
            nodes[place].places = Node::places(children);
            size += nodes[place].places;
        }
        let mut index = NgramIndex { words, nodes, children: vec![Child::NONE; size as usize] };
        for (edge, node) in edges.iter().zip(1..) {
            if edge.parent != 0 {
                index.add(steps[edge.parent as usize], edge.word, steps[node]);
            }
        }
        index
    }
}

/// The trie of n-grams as it is walked.
///
/// The children of a node are a hash table of their own, with linear probing: a look-up touches
/// one line of memory nearly always, and eight children share a line.
#[derive(Debug, Clone)]
pub(super) struct NgramIndex {
    words: WordTable,
    /// The children of the root, by their words, and then all other nodes that have children.
    nodes: Vec<Node>,
    /// The first place is free.
    children: Vec<Child>,
}

#[derive(Debug, Clone, Copy)]
struct Node {
    /// The term that ends there, or `NONE`.
    term: TermId,
    /// The first place of its children, and how many places there are.
    first: u32,
    places: u32,
    /// The bit of each word that leads on. Most words that lead nowhere are told by their bit,
    /// without a look at the children.
    filter: u32,
}

#[derive(Debug, Clone, Copy)]
struct Child {
    /// `NO_WORD` for a place that is free.
    word: u32,
    step: Step,
}

/// Where a word leads: to a node, to a term at which the way ends, or nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Step(u32);

/// A walk from a word of a document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk {
    /// The position of that word.
    pub(super) start: u32,
    step: Step,
}

/// The next step of a walk, and the child that stands where it is looked for first.
#[derive(Debug, Clone, Copy)]
pub(super) struct Probe {
    walk: Walk,
    word: u32,
    child: Child,
}

impl Step {
    const NONE: Self = Self(NONE);
}

impl Probe {
    const NONE: Self =
        Self { walk: Walk { start: 0, step: Step::NONE }, word: NO_WORD, child: Child::NONE };
}

impl Child {
    const NONE: Self = Self { word: NO_WORD, step: Step::NONE };
}

impl Node {
    const LEADS_NOWHERE: Self = Self { term: NONE, first: 0, places: 0, filter: 0 };

    /// How many places `children` get: half are filled, or all if they are very few.
    fn places(children: u32) -> u32 {
        if children < 3 { children } else { 2 * children }
    }

    /// The place of its children to look at first.
    fn home(&self, hash: u32) -> u32 {
        self.first + ((u64::from(hash) * u64::from(self.places)) >> 32) as u32
    }
}

impl NgramIndex {
    /// The number of `word`, or `NO_WORD`.
    #[inline]
    pub(super) fn word(&self, word: &str) -> u32 {
        self.words.get(word)
    }

    /// The number of the word that is `character`, or `NO_WORD`.
    #[inline]
    pub(super) fn character(&self, character: char) -> u32 {
        self.words.character(character)
    }

    /// The walks that begin with the words of a document, one for each that leads on.
    pub(super) fn first_steps(&self, words: &[u32]) -> impl Iterator<Item = Walk> {
        let known = self.words.len() as u32;
        let walks = words.iter().zip(0..);
        walks
            .filter(move |(word, _)| **word < known)
            .map(|(&word, start)| Walk { start, step: Step(word) })
    }

    /// Takes each of `walks` a step on, by the word that `next` says for its start. Those that it
    /// leads nowhere end.
    ///
    /// All places are looked at first, and only then is it asked what was found: nearly all time
    /// is waiting for memory, and waiting for all at once takes no longer than for one.
    pub(super) fn advance(
        &self,
        walks: &mut Vec<Walk>,
        probes: &mut Vec<Probe>,
        next: impl Fn(usize) -> u32,
    ) {
        probes.clear();
        probes.resize(walks.len(), Probe::NONE);
        let mut count = 0;
        for &walk in walks.iter() {
            let node = self.node(walk.step);
            let word = next(walk.start as usize);
            let hash = spread(word);
            let leads_on = node.filter & filter_bit(hash) != 0;
            let place = if leads_on { node.home(hash) } else { 0 };
            probes[count] = Probe { walk, word, child: self.children[place as usize] };
            count += usize::from(leads_on);
        }
        walks.clear();
        for probe in &probes[..count] {
            let Probe { walk: Walk { start, step }, word, child } = *probe;
            let step = if child.word == word {
                child.step
            } else if child.word == NO_WORD {
                Step::NONE
            } else {
                self.search(step, word)
            };
            if step != Step::NONE {
                walks.push(Walk { start, step });
            }
        }
    }

    /// Where `word` leads from a node that has children.
    fn search(&self, from: Step, word: u32) -> Step {
        let node = self.node(from);
        let block = &self.children[node.first as usize..][..node.places as usize];
        let (before, after) = block.split_at((node.home(spread(word)) - node.first) as usize);
        let mut children = after.iter().chain(before);
        let found = children.find(|child| child.word == word || child.word == NO_WORD);
        found.map_or(Step::NONE, |child| child.step)
    }

    #[inline]
    fn node(&self, step: Step) -> &Node {
        self.nodes.get(step.0 as usize).unwrap_or(&Node::LEADS_NOWHERE)
    }

    /// What a walk has found where it stands: a term, or `NONE`.
    #[inline]
    pub(super) fn occurrence(&self, walk: &Walk) -> Occurrence {
        let Walk { start, step } = *walk;
        let term = if step.0 & LEAF != 0 { step.0 & !LEAF } else { self.node(step).term };
        Occurrence { term, start }
    }

    /// Adds a child to a node that has room for it.
    fn add(&mut self, parent: Step, word: u32, step: Step) {
        let node = &mut self.nodes[parent.0 as usize];
        let hash = spread(word);
        node.filter |= filter_bit(hash);
        let place = (node.home(hash) - node.first) as usize;
        let block = &mut self.children[node.first as usize..][..node.places as usize];
        let (before, after) = block.split_at_mut(place);
        if let Some(free) = after.iter_mut().chain(before).find(|child| child.word == NO_WORD) {
            *free = Child { word, step };
        }
    }
}

/// Fibonacci hashing: the upper bits depend on all bits of the number.
fn spread(word: u32) -> u32 {
    word.wrapping_mul(0x9E37_79B9)
}

/// One of 32 bits. The number of no word has a bit like any other, and leads nowhere.
fn filter_bit(hash: u32) -> u32 {
    1 << (hash >> 27)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn each_path_leads_to_its_term_and_every_other_to_none(
            paths in prop::collection::btree_set(prop::collection::vec(0_u32..40, 1..4), 1..300),
            others in prop::collection::vec(prop::collection::vec(0_u32..45, 1..5), 100),
        ) {
            let mut trie = NgramTrie::default();
            (0..40).for_each(|word: u32| assert_eq!(trie.intern(&word.to_string()), word));
            let mut term_at = vec![NONE];
            let mut expected = BTreeMap::new();
            for (path, term) in paths.iter().zip(0..) {
                let node = path.iter().fold(0, |node, &word| trie.child_or_new(node, word));
                let mut back: Vec<u32> = trie.path(node).collect();
                back.reverse();
                prop_assert_eq!(&back, path);
                term_at.resize(trie.len() + 1, NONE);
                term_at[node as usize] = term;
                expected.insert(path, term);
            }
            let index = trie.into_index(&term_at);
            for path in paths.iter().chain(&others) {
                let mut walks: Vec<Walk> = index.first_steps(&path[..1]).collect();
                for &word in &path[1..] {
                    index.advance(&mut walks, &mut Vec::new(), |_| word);
                }
                let term = walks.first().map_or(NONE, |walk| index.occurrence(walk).term);
                prop_assert_eq!(term, expected.get(path).copied().unwrap_or(NONE));
            }
        }
    }
}
