//! Reading lists.
//!
//! What OBJECT ENCODING then answers goes by the nodes, as in Redis 8.2: one node, if it is no plain
//! one, makes a short list; a ziplist by itself a long one.

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
    list.make_long();
    Ok(list)
}

/// Ziplists: Redis 3.2 to 6.2.
pub(super) fn quicklist(source: &mut Source<'_>) -> Reading<List> {
    let mut list = List::new();
    let nodes = source.length()?;
    for _ in 0..nodes {
        let node = source.string()?;
        push_ziplist(&mut list, &node).map_err(|bad| packing(source, bad))?;
    }
    if nodes > 1 {
        list.make_long();
    }
    Ok(list)
}

/// Listpacks, and elements that are nodes by themselves.
pub(super) fn quicklist_2(source: &mut Source<'_>) -> Reading<List> {
    let mut list = List::new();
    let nodes = source.length()?;
    let mut is_long = nodes > 1;
    for _ in 0..nodes {
        let form = source.length()?;
        let node = source.string()?;
        match form {
            node::PLAIN => {
                push(&mut list, &node);
                is_long = true;
            }
            node::PACKED => {
                push_listpack(&mut list, &node).map_err(|bad| packing(source, bad))?;
            }
            _ => return Err(source.malformed("no such form of a quicklist's node")),
        }
    }
    if is_long {
        list.make_long();
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
