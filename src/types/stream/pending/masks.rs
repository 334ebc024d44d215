//! Which children of a node have records of which owner.

use super::Owner;
use crate::types::spine::{Slot, Spine};

#[derive(Clone)]
struct Mask {
    owner: Owner,
    /// A bit for each child, never none.
    children: u64,
}

impl Slot for Mask {
    type Key = Owner;

    fn key(&self) -> &Owner {
        &self.owner
    }
}

/// For each owner a mask of children. Shared with clones: a node may have records of thousands of
/// consumers, and is copied whenever it changes behind a clone.
#[derive(Clone, Default)]
pub(super) struct Masks(Spine<Mask>);

impl Masks {
    /// The place of the owner's mask, if it has one.
    #[inline]
    fn find(&self, owner: Owner) -> Option<usize> {
        let place = self.place(owner);
        self.0.get(place).is_some_and(|mask| mask.owner == owner).then_some(place)
    }

    #[inline]
    fn place(&self, owner: Owner) -> usize {
        self.0.partition_point(|&other| other < owner)
    }

    pub fn contains(&self, owner: Owner) -> bool {
        self.find(owner).is_some()
    }

    /// The children that have records of the owner.
    pub fn get(&self, owner: Owner) -> u64 {
        let place = self.find(owner);
        place.and_then(|place| self.0.get(place)).map_or(0, |mask| mask.children)
    }

    /// Notes that these children have records of the owner.
    #[inline]
    pub fn add(&mut self, owner: Owner, children: u64) {
        let place = self.place(owner);
        match self.0.get(place).filter(|mask| mask.owner == owner) {
            // What is noted already must not cost a copy.
            Some(mask) if mask.children & children == children => {}
            Some(_) => {
                if let Some(mask) = self.0.get_mut(place) {
                    mask.children |= children;
                }
            }
            None => self.0.insert(place, Mask { owner, children }),
        }
    }

    /// Notes that these children have no records of the owner; whether others have.
    pub fn clear(&mut self, owner: Owner, children: u64) -> bool {
        let Some(place) = self.find(owner) else { return false };
        let Some(mask) = self.0.get_mut(place) else { return false };
        mask.children &= !children;
        let is_left = mask.children != 0;
        if !is_left {
            self.0.remove(place);
        }
        is_left
    }

    /// Takes the owner out; the children that had records of it.
    pub fn remove(&mut self, owner: Owner) -> u64 {
        let place = self.find(owner);
        place.and_then(|place| self.0.remove(place)).map_or(0, |mask| mask.children)
    }

    /// All owners and their children.
    pub fn iter(&self) -> impl Iterator<Item = (Owner, u64)> {
        self.0.iter().map(|mask| (mask.owner, mask.children))
    }

    /// Puts what `change` makes of each mask in its place, or nothing where that is 0.
    pub fn change_all(&mut self, mut change: impl FnMut(Owner, u64) -> u64) {
        let mut changed = Spine::new();
        for (owner, children) in self.iter() {
            let children = change(owner, children);
            if children != 0 {
                changed.push_back(Mask { owner, children });
            }
        }
        self.0 = changed;
    }

    pub fn heap_bytes(&self) -> usize {
        self.0.heap_bytes()
    }
}
