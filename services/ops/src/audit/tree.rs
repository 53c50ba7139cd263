//! The Merkle tree of a log, as RFC 9162 §2.1 defines it. Pure.
//!
//! Of what lies within a tree only leaves and whole subtrees of 256, 256², ... leaves are stored ([`Node`]). Whatever hash a root or a
//! proof is made of is some 255 of them for each power of 256 at most, however many leaves there are.

use std::collections::BTreeSet;

use sha2::{Digest, Sha256};

/// SHA-256.
pub(crate) type Hash = [u8; 32];

/// Leaves of a node of level 1, and nodes of one level in one of the next, as a power of two.
const BITS: u32 = 8;

/// A hash that is stored: that of leaves `index << 8·level` up to `(index + 1) << 8·level`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Node {
    pub(crate) level: u32,
    pub(crate) index: u64,
}

/// The hash of an entry (§2.1.1).
pub(crate) fn leaf_hash(entry: &[u8]) -> Hash {
    Sha256::new().chain_update([0_u8]).chain_update(entry).finalize().into()
}

/// The hash of two subtrees (§2.1.1).
pub(crate) fn node_hash(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1_u8]).chain_update(left).chain_update(right).finalize().into()
}

/// The hash of a tree without leaves (§2.1.1).
pub(crate) fn empty_root() -> Hash {
    Sha256::digest(b"").into()
}

/// The largest power of two below a number of leaves, of which there are two at least.
fn split(leaves: u64) -> u64 {
    1 << (u64::BITS - 1 - (leaves - 1).leading_zeros())
}

/// The hash of the leaves from `start` up to `end`, which are a node of some tree.
fn subtree(start: u64, end: u64, nodes: &mut dyn FnMut(Node) -> Hash) -> Hash {
    let leaves = end - start;
    let bits = leaves.trailing_zeros();
    if leaves.is_power_of_two() && bits.is_multiple_of(BITS) {
        return nodes(Node { level: bits / BITS, index: start >> bits });
    }
    let middle = start + split(leaves);
    let left = subtree(start, middle, nodes);
    node_hash(&left, &subtree(middle, end, nodes))
}

/// That leaf `index` is in the tree of the first `size` leaves (§2.1.3.1): the hashes beside its way up, from the lowest.
pub(crate) fn inclusion(index: u64, size: u64, nodes: &mut dyn FnMut(Node) -> Hash) -> Vec<Hash> {
    let (mut start, mut end, mut path) = (0, size, Vec::new());
    while end - start > 1 {
        let middle = start + split(end - start);
        if index < middle {
            path.push(subtree(middle, end, nodes));
            end = middle;
        } else {
            path.push(subtree(start, middle, nodes));
            start = middle;
        }
    }
    path.reverse();
    path
}

/// That the tree of the first `size` leaves begins as that of the first `old`, of which there is one at least (§2.1.4.1).
pub(crate) fn consistency(old: u64, size: u64, nodes: &mut dyn FnMut(Node) -> Hash) -> Vec<Hash> {
    let (mut start, mut end, mut proof) = (0, size, Vec::new());
    while old < end {
        let middle = start + split(end - start);
        if old <= middle {
            proof.push(subtree(middle, end, nodes));
            end = middle;
        } else {
            proof.push(subtree(start, middle, nodes));
            start = middle;
        }
    }
    if start > 0 {
        // Whoever asks does not have the hash of this one; that of the whole old tree he has.
        proof.push(subtree(start, end, nodes));
    }
    proof.reverse();
    proof
}

/// A tree that grows: the hashes of the whole subtrees that it consists of, from the largest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frontier {
    size: u64,
    hashes: Vec<Hash>,
}

impl Frontier {
    /// That of the first `size` leaves.
    pub(crate) fn of(size: u64, nodes: &mut dyn FnMut(Node) -> Hash) -> Self {
        let (mut start, mut hashes) = (0, Vec::new());
        for bit in (0..u64::BITS).rev().filter(|bit| (size >> bit) & 1 == 1) {
            let end = start + (1 << bit);
            hashes.push(subtree(start, end, nodes));
            start = end;
        }
        Self { size, hashes }
    }

    /// How many leaves there are.
    pub(crate) fn size(&self) -> u64 {
        self.size
    }

    /// Adds a leaf, and to `whole` the nodes above level 0 that are whole with it.
    pub(crate) fn push(&mut self, leaf: Hash, whole: &mut Vec<(Node, Hash)>) {
        let mut hash = leaf;
        for bits in 1..=self.size.trailing_ones() {
            let left = self.hashes.pop().expect("there is a subtree for each bit of the size");
            hash = node_hash(&left, &hash);
            if bits.is_multiple_of(BITS) {
                whole.push((Node { level: bits / BITS, index: self.size >> bits }, hash));
            }
        }
        self.hashes.push(hash);
        self.size += 1;
    }

    /// The hash of the whole tree.
    pub(crate) fn root(&self) -> Hash {
        let mut hashes = self.hashes.iter().rev();
        let Some(&last) = hashes.next() else { return empty_root() };
        hashes.fold(last, |right, left| node_hash(left, &right))
    }
}

/// Blocks that lie beside one another, as level, first and last index.
pub(crate) fn runs(nodes: &BTreeSet<Node>) -> Vec<(u32, u64, u64)> {
    let mut runs: Vec<(u32, u64, u64)> = Vec::new();
    for node in nodes {
        match runs.last_mut() {
            Some((level, _, last)) if *level == node.level && *last + 1 == node.index => *last = node.index,
            _ => runs.push((node.level, node.index, node.index)),
        }
    }
    runs
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// MTH of §2.1.1, word for word.
    fn mth(leaves: &[Hash]) -> Hash {
        match leaves {
            [] => empty_root(),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split(leaves.len() as u64) as usize);
                node_hash(&mth(left), &mth(right))
            }
        }
    }

    fn leaves(size: u64) -> Vec<Hash> {
        (0..size).map(|at| leaf_hash(&at.to_be_bytes())).collect()
    }

    /// What a store would have of these leaves, and nothing beyond: a node that is not whole is a fault.
    fn stored(leaves: &[Hash]) -> impl FnMut(Node) -> Hash + '_ {
        move |Node { level, index }| {
            let span = 1 << (BITS * level);
            let start = index as usize * span;
            mth(&leaves[start..start + span])
        }
    }

    /// The algorithm of §2.1.3.2.
    pub(crate) fn includes(index: u64, size: u64, leaf: Hash, path: &[Hash]) -> Option<Hash> {
        let (mut at, mut last, mut hash) = (index, size - 1, leaf);
        for beside in path {
            if last == 0 {
                return None;
            }
            if at & 1 == 1 || at == last {
                hash = node_hash(beside, &hash);
                while at & 1 == 0 && at != 0 {
                    (at, last) = (at >> 1, last >> 1);
                }
            } else {
                hash = node_hash(&hash, beside);
            }
            (at, last) = (at >> 1, last >> 1);
        }
        (last == 0).then_some(hash)
    }

    /// The algorithm of §2.1.4.2: the roots of both trees as the proof has them.
    pub(crate) fn continues(old: u64, size: u64, old_root: Hash, proof: &[Hash]) -> Option<(Hash, Hash)> {
        let whole = old.is_power_of_two().then_some(old_root);
        let mut hashes = whole.into_iter().chain(proof.iter().copied());
        let (mut at, mut last) = (old - 1, size - 1);
        while at & 1 == 1 {
            (at, last) = (at >> 1, last >> 1);
        }
        let first = hashes.next()?;
        let (mut old_hash, mut hash) = (first, first);
        for beside in hashes {
            if last == 0 {
                return None;
            }
            if at & 1 == 1 || at == last {
                old_hash = node_hash(&beside, &old_hash);
                hash = node_hash(&beside, &hash);
                while at & 1 == 0 && at != 0 {
                    (at, last) = (at >> 1, last >> 1);
                }
            } else {
                hash = node_hash(&hash, &beside);
            }
            (at, last) = (at >> 1, last >> 1);
        }
        (last == 0).then_some((old_hash, hash))
    }

    #[test]
    fn hashes_are_those_of_the_standard() {
        assert_eq!(hex::encode(empty_root()), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        // Of an empty entry, as in the test vectors of Certificate Transparency.
        assert_eq!(hex::encode(leaf_hash(b"")), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    }

    #[test]
    fn every_leaf_of_every_small_tree_and_every_pair_of_sizes_is_proven() {
        let all = leaves(70);
        for size in 1..=70 {
            let root = mth(&all[..size as usize]);
            for index in 0..size {
                let path = inclusion(index, size, &mut stored(&all[..size as usize]));
                assert_eq!(includes(index, size, all[index as usize], &path), Some(root), "{index} of {size}");
                let other = includes(index, size, leaf_hash(b"other"), &path);
                assert_ne!(other, Some(root), "{index} of {size}");
            }
            for old in 1..size {
                let old_root = mth(&all[..old as usize]);
                let proof = consistency(old, size, &mut stored(&all[..size as usize]));
                assert_eq!(continues(old, size, old_root, &proof), Some((old_root, root)), "{old} of {size}");
            }
            assert!(consistency(size, size, &mut stored(&all[..size as usize])).is_empty());
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]

        #[test]
        fn trees_of_several_nodes_grow_and_prove_as_the_definition_says(
            size in 1_u64..1500, index in any::<prop::sample::Index>(), old in any::<prop::sample::Index>(),
        ) {
            let all = leaves(size);
            let (index, old) = (index.index(size as usize) as u64, old.index(size as usize) as u64 + 1);
            let root = mth(&all);
            let mut asked = 0;
            let mut nodes = |node| {
                asked += 1;
                stored(&all)(node)
            };
            let path = inclusion(index, size, &mut nodes);
            prop_assert_eq!(includes(index, size, all[index as usize], &path), Some(root));
            let proof = consistency(old, size, &mut nodes);
            let old_root = mth(&all[..old as usize]);
            if old < size {
                prop_assert_eq!(continues(old, size, old_root, &proof), Some((old_root, root)));
            }
            prop_assert!(asked <= 4 * 255 * 2, "{} hashes were read", asked);

            let mut grown = Frontier::of(old, &mut stored(&all));
            prop_assert_eq!(grown.root(), old_root);
            let mut whole = Vec::new();
            all[old as usize..].iter().for_each(|leaf| grown.push(*leaf, &mut whole));
            prop_assert_eq!((grown.root(), grown.size()), (root, size));
            prop_assert_eq!(&grown, &Frontier::of(size, &mut stored(&all)));
            let expected = (old / 256..size / 256).map(|index| {
                let node = Node { level: 1, index };
                (node, stored(&all)(node))
            });
            prop_assert_eq!(whole, expected.collect::<Vec<_>>());
        }

        #[test]
        fn runs_are_the_same_blocks(indices in prop::collection::btree_set((0_u32..3, 0_u64..40), 0..60)) {
            let nodes: BTreeSet<Node> = indices.into_iter().map(|(level, index)| Node { level, index }).collect();
            let runs = runs(&nodes);
            let again = runs.iter().flat_map(|&(level, first, last)| (first..=last).map(move |index| Node { level, index }));
            prop_assert_eq!(again.collect::<BTreeSet<_>>(), nodes);
            prop_assert!(runs.windows(2).all(|pair| pair[0].0 < pair[1].0 || pair[0].2 + 1 < pair[1].1));
        }
    }
}
