//! LMOVE, RPOPLPUSH, LMOVEM, and what the waiting forms share with them.

use super::super::args;
use super::super::cx::Cx;
use super::super::error::{Error, Outcome};
use super::{grown, parse_side, pop_event, push_event, shrunk, side_word};
use crate::keyspace::EventClass;
use crate::types::list::{List, Side};

/// From which end of which list to which end of which.
#[derive(Clone, Copy)]
pub(super) struct Route<'a> {
    pub source: &'a [u8],
    pub from: Side,
    pub destination: &'a [u8],
    pub to: Side,
}

impl<'a> Route<'a> {
    /// `source destination LEFT|RIGHT LEFT|RIGHT`, as they follow a command's name.
    pub fn parse(args: &[&'a [u8]]) -> Result<Route<'a>, Error> {
        let (from, to) = (parse_side(args[3])?, parse_side(args[4])?);
        Ok(Route { source: args[1], from, destination: args[2], to })
    }

    /// What RPOPLPUSH does.
    pub fn right_to_left(args: &[&'a [u8]]) -> Route<'a> {
        Route { source: args[1], from: Side::Right, destination: args[2], to: Side::Left }
    }

    /// Moves one element and writes it to the reply; tells whether there was a source.
    pub fn move_one(&self, cx: &mut Cx<'_, '_>) -> Result<bool, Error> {
        let Some(list) = cx.tx.peek_as::<List>(self.source)? else { return Ok(false) };
        let Some(element) = list.end(self.from) else { return Ok(false) };
        let element = element.to_vec();
        self.shift(cx, 1, &[&element])?;
        let (from, to) = (side_word(self.from), side_word(self.to));
        cx.tx.record(&[b"LMOVE", self.source, self.destination, from, to]);
        cx.reply.bulk(&element);
        Ok(true)
    }

    /// Moves as many elements as `amount` allows and writes them to the reply in the order in which
    /// they now stand; tells whether there were enough.
    pub fn move_many(&self, cx: &mut Cx<'_, '_>, amount: &Amount) -> Result<bool, Error> {
        let Some(list) = cx.tx.peek_as::<List>(self.source)? else { return Ok(false) };
        let len = list.len();
        if amount.exactly && len < amount.count {
            return Ok(false);
        }
        let count = amount.count.min(len);
        // In the source's order, which BULK keeps. One by one, an element popped later comes to
        // stand outside of the earlier ones.
        let (first, last) = match self.from {
            Side::Left => (0, count),
            Side::Right => (len - count, len),
        };
        let mut moved: Vec<Vec<u8>> =
            list.range(first, last).map(|element| element.to_vec()).collect();
        if amount.one_by_one && self.from == self.to {
            moved.reverse();
        }
        let mut block: Vec<&[u8]> = moved.iter().map(Vec::as_slice).collect();
        if self.to == Side::Left {
            block.reverse();
        }
        self.shift(cx, count, &block)?;
        if let Some(effect) = cx.tx.effect(8) {
            let order: &[u8] = if amount.one_by_one { b"OBO" } else { b"BULK" };
            let effect = effect.arg(b"LMOVEM").arg(self.source).arg(self.destination);
            let effect = effect.arg(side_word(self.from)).arg(side_word(self.to));
            effect.arg(b"EXACTLY").int(count as i64).arg(order).end();
        }
        cx.reply.array(count);
        moved.iter().for_each(|element| cx.reply.bulk(element));
        Ok(true)
    }

    /// Takes `count` elements from the source's end and puts `elements` one by one to the
    /// destination's. The destination's type comes to light before anything changes.
    fn shift(&self, cx: &mut Cx<'_, '_>, count: usize, elements: &[&[u8]]) -> Outcome {
        if self.source == self.destination {
            if let Some(list) = cx.tx.write::<List>(self.source)? {
                list.cut(self.from, count);
                list.push_all(self.to, elements.iter().copied());
            }
            grown(cx, self.source, push_event(self.to));
            cx.tx.notify(EventClass::LIST, pop_event(self.from), self.source);
            return Ok(());
        }
        let list = cx.tx.write_or_insert(self.destination, List::new)?;
        list.push_all(self.to, elements.iter().copied());
        grown(cx, self.destination, push_event(self.to));
        if let Some(list) = cx.tx.write::<List>(self.source)? {
            list.cut(self.from, count);
        }
        shrunk(cx, self.source, pop_event(self.from));
        Ok(())
    }
}

/// How many elements LMOVEM moves, and in what order.
pub(super) struct Amount {
    pub count: usize,
    /// All of them or none.
    pub exactly: bool,
    /// As by so many LMOVEs; otherwise they keep their order.
    pub one_by_one: bool,
}

impl Amount {
    /// Reads what stands behind the two sides (and the timeout): all of the block or nothing.
    pub fn parse(args: &[&[u8]]) -> Result<Amount, Error> {
        let [selector, count, order] = args else {
            return match args {
                [] => Ok(Amount { count: 1, exactly: false, one_by_one: false }),
                _ => Err(Error::SYNTAX),
            };
        };
        let exactly = args::is(selector, "EXACTLY");
        if !exactly && !args::is(selector, "COUNT") {
            return Err(Error::SYNTAX);
        }
        let count = args::integer_in(count, 1, i64::MAX, args::COUNT_NOT_POSITIVE)? as usize;
        let one_by_one = args::is(order, "OBO");
        if !one_by_one && !args::is(order, "BULK") {
            return Err(Error::SYNTAX);
        }
        Ok(Amount { count, exactly, one_by_one })
    }
}

pub(super) fn lmove(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let route = Route::parse(args)?;
    if !route.move_one(cx)? {
        cx.reply.null();
    }
    Ok(())
}

pub(super) fn rpoplpush(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    if !Route::right_to_left(args).move_one(cx)? {
        cx.reply.null();
    }
    Ok(())
}

pub(super) fn lmovem(cx: &mut Cx<'_, '_>, args: &[&[u8]]) -> Outcome {
    let route = Route::parse(args)?;
    let amount = Amount::parse(&args[5..])?;
    if !route.move_many(cx, &amount)? {
        cx.reply.null_array();
    }
    Ok(())
}
