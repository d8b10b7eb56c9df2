//! The Merkle tree of RFC 6962 section 2.1, appended to with a frontier of O(log n) hashes.

use sha2::{Digest, Sha256};

/// A hash of the tree.
pub type Hash = [u8; 32];

/// Leaf: SHA-256(0x00 ‖ bytes).
pub fn leaf(bytes: &[u8]) -> Hash {
    Sha256::new().chain_update([0]).chain_update(bytes).finalize().into()
}

/// Node: SHA-256(0x01 ‖ left ‖ right).
pub fn node(left: &Hash, right: &Hash) -> Hash {
    Sha256::new().chain_update([1]).chain_update(left).chain_update(right).finalize().into()
}

/// The roots of the full subtrees that make up the tree, largest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<Hash>,
}

impl Frontier {
    /// Leaves so far.
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The tree that had these roots at this size; None: a tree of this size has another number of them.
    pub fn resumed(size: u64, roots: Vec<Hash>) -> Option<Self> {
        (usize::try_from(size.count_ones()) == Ok(roots.len())).then_some(Self { size, roots })
    }

    /// What it can be resumed from.
    pub fn roots(&self) -> &[Hash] {
        &self.roots
    }

    /// Adds one leaf's hash.
    pub fn push(&mut self, leaf: Hash) {
        let mut hash = leaf;
        for _ in 0..self.size.trailing_ones() {
            if let Some(left) = self.roots.pop() {
                hash = node(&left, &hash);
            }
        }
        self.roots.push(hash);
        self.size += 1;
    }

    /// The root; of the empty tree, SHA-256 of nothing.
    pub fn root(&self) -> Hash {
        let mut roots = self.roots.iter().rev();
        let Some(last) = roots.next() else { return Sha256::digest([]).into() };
        roots.fold(*last, |right, left| node(left, &right))
    }
}

#[cfg(test)]
mod tests {
    use ct_merkle::mem_backed_tree::MemoryBackedTree;

    use super::*;

    #[test]
    fn roots_are_those_of_an_independent_implementation() {
        let mut theirs = MemoryBackedTree::<sha2_oracle::Sha256, Vec<u8>>::new();
        let mut ours = Frontier::default();
        for i in 0..200u32 {
            let bytes = i.to_be_bytes().to_vec();
            ours.push(leaf(&bytes));
            theirs.push(bytes);
            assert_eq!(ours.root().as_slice(), theirs.root().as_bytes().as_slice(), "{i}");
        }
    }

    #[test]
    fn the_empty_tree_has_the_hash_of_nothing() {
        assert_eq!(Frontier::default().root()[..4], [0xe3, 0xb0, 0xc4, 0x42]);
    }
}
