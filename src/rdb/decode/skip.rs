//! Passing over what cannot be held, as far as its end can be found.

use crate::rdb::source::{Reading, Source};
use crate::rdb::{Fault, kind};

/// What stands before each part of a module's value.
mod part {
    pub const END: u64 = 0;
    pub const SIGNED: u64 = 1;
    pub const UNSIGNED: u64 = 2;
    pub const FLOAT: u64 = 3;
    pub const DOUBLE: u64 = 4;
    pub const STRING: u64 = 5;
}

/// Passes over a value; the name of its type.
pub(super) fn value(source: &mut Source<'_>, kind: u8) -> Reading<String> {
    use kind::value::*;
    match kind {
        MODULE_2 => {
            let name = module_name(source.length()?);
            module_parts(source)?;
            Ok(format!("module type {name}"))
        }
        MODULE => {
            let name = "a module's value in the form before Redis 4.0, whose end cannot be found";
            Err(source.malformed(name))
        }
        _ => Err(source.error(Fault::UnknownRecord(kind))),
    }
}

/// Nine letters of six bits, above ten bits of a version.
fn module_name(id: u64) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let letter = |at: u32| char::from(LETTERS[(id >> (10 + 6 * at)) as usize & 0x3f]);
    (0..9).rev().map(letter).collect()
}

fn module_parts(source: &mut Source<'_>) -> Reading<()> {
    loop {
        match source.length()? {
            part::END => return Ok(()),
            part::SIGNED | part::UNSIGNED => drop(source.length()?),
            part::FLOAT => source.skip(4)?,
            part::DOUBLE => source.skip(8)?,
            part::STRING => source.skip_string()?,
            _ => return Err(source.malformed("no such part of a module's value")),
        }
    }
}

/// Passes over what a module keeps beside its keys; the module's type name.
pub(in crate::rdb) fn module_aux(source: &mut Source<'_>) -> Reading<String> {
    let name = module_name(source.length()?);
    // When it is to be loaded: a number, and a word before it that says so.
    source.length()?;
    source.length()?;
    module_parts(source)?;
    Ok(name)
}

/// Passes over a library as the first release candidate of Redis 7.0 wrote it; its name.
pub(in crate::rdb) fn early_library(source: &mut Source<'_>) -> Reading<Vec<u8>> {
    let name = source.string()?;
    source.skip_string()?;
    if source.length()? != 0 {
        source.skip_string()?;
    }
    source.skip_string()?;
    Ok(name)
}

/// The name of a library by its code, of which `#!lua name=mylib` is the first line.
pub(in crate::rdb) fn library_name(code: &[u8]) -> &[u8] {
    let line = code.split(|&byte| byte == b'\n').next().unwrap_or_default();
    let words = line.split(|&byte| byte == b' ' || byte == b'\r');
    words.filter_map(|word| word.strip_prefix(b"name=")).next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn passed(kind: u8, bytes: &[u8]) -> String {
        let mut source = Source::from_bytes(bytes);
        let name = value(&mut source, kind).expect("a whole value");
        assert_eq!(source.offset(), bytes.len() as u64, "type {kind}");
        for len in 0..bytes.len() {
            let mut source = Source::from_bytes(&bytes[..len]);
            assert!(value(&mut source, kind).is_err(), "type {kind} cut at {len}");
        }
        name
    }

    #[test]
    fn every_type_ends_where_it_ends() {
        use kind::value::*;
        let json = b"\x81\x25\xe2\x47\xce\x4d\x31\xb4\x03\x02\x05\x05\x02{}\x01\x07\x031234\x0412345678\x00";
        assert!(passed(MODULE_2, json).starts_with("module type "));
    }

    #[test]
    fn a_module_is_named() {
        let letters: [u64; 9] = [17, 30, 9, 44, 40, 39, 62, 43, 37];
        let id = letters.iter().fold(0, |id, letter| id << 6 | letter) << 10 | 3;
        assert_eq!(module_name(id), "Re\u{4a}son-rl");
    }

    #[test]
    fn a_library_is_named() {
        let code = b"#!lua name=mylib\nredis.register_function('f', function() end)";
        assert_eq!(library_name(code), b"mylib");
        let old = b"\x02lb\x03LUA\x01\x01d\x01c";
        assert_eq!(early_library(&mut Source::from_bytes(old)).expect("a library"), b"lb");
    }

    #[test]
    fn an_unknown_type_is_an_error() {
        let error = value(&mut Source::from_bytes(b"abc"), 99);
        assert!(matches!(error.expect_err("no type").fault, Fault::UnknownRecord(99)));
        assert!(value(&mut Source::from_bytes(b"abc"), kind::value::MODULE).is_err());
    }
}
