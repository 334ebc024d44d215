//! Reading lists.

use crate::rdb::packed::{BadPacking, listpack, ziplist};
use crate::rdb::source::{Reading, Source};
use crate::rdb::{Fault, RdbError, kind::node};
use crate::types::list::{List, Side};

fn push(list: &mut List, element: &[u8]) {
    list.push(Side::Right, element);
}

/// Elements one by one: Redis before 3.2.
pub(super) fn plain(source: &mut Source<'_>) -> Reading<List> {
    let mut list = List::new();
    for _ in 0..source.length()? {
        push(&mut list, &source.string()?);
    }
    Ok(list)
}

/// One ziplist.
pub(super) fn ziplist(source: &mut Source<'_>) -> Reading<List> {
    let mut list = List::new();
    let node = source.string()?;
    push_ziplist(&mut list, &node).map_err(|bad| packing(source, bad))?;
    Ok(list)
}

/// Ziplists: Redis 3.2 to 6.2.
pub(super) fn quicklist(source: &mut Source<'_>) -> Reading<List> {
    let mut list = List::new();
    for _ in 0..source.length()? {
        let node = source.string()?;
        push_ziplist(&mut list, &node).map_err(|bad| packing(source, bad))?;
    }
    Ok(list)
}

/// Listpacks, and elements that are nodes by themselves.
pub(super) fn quicklist_2(source: &mut Source<'_>) -> Reading<List> {
    let mut list = List::new();
    for _ in 0..source.length()? {
        let form = source.length()?;
        let node = source.string()?;
        match form {
            node::PLAIN => push(&mut list, &node),
            node::PACKED => {
                push_listpack(&mut list, &node).map_err(|bad| packing(source, bad))?;
            }
            _ => return Err(source.malformed("no such form of a quicklist's node")),
        }
    }
    Ok(list)
}

fn push_ziplist(list: &mut List, node: &[u8]) -> Result<(), BadPacking> {
    let mut elements = ziplist::read(node)?;
    while let Some(element) = elements.next_element()? {
        push(list, &element);
    }
    Ok(())
}

fn push_listpack(list: &mut List, node: &[u8]) -> Result<(), BadPacking> {
    let mut elements = listpack::read(node)?;
    while let Some(element) = elements.next_element()? {
        push(list, &element);
    }
    Ok(())
}

pub(super) fn packing(source: &Source<'_>, bad: BadPacking) -> RdbError {
    source.error(Fault::Malformed(bad.0))
}
