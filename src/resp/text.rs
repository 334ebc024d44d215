//! Numbers as the protocol writes them, and requests as bytes.

/// A double as Redis prints it: integers without a point, `inf`, `-inf`, `nan`, otherwise the
/// shortest text that reads back the same, with `%.17g`'s exponent form.
pub fn format_double(value: f64) -> String {
    if value.is_nan() {
        return "nan".into();
    }
    if value.is_infinite() {
        return if value > 0.0 { "inf".into() } else { "-inf".into() };
    }
    if value == 0.0 {
        return if value.is_sign_negative() { "-0".into() } else { "0".into() };
    }
    let exponent = value.abs().log10().floor() as i32;
    if (-5..17).contains(&exponent) {
        // `{}` prints the shortest digits that round-trip, without an exponent.
        return format!("{value}");
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) => match exponent.strip_prefix('-') {
            Some(size) => format!("{digits}e-{size:0>2}"),
            None => format!("{digits}e+{exponent:0>2}"),
        },
        None => text,
    }
}

/// Appends `args` as a request (`*N` of `$len`) to `out`.
pub fn write_request(out: &mut Vec<u8>, args: &[&[u8]]) {
    let mut reply = super::Reply::new(out, super::Proto::Resp2);
    reply.array(args.len());
    for arg in args {
        reply.bulk(arg);
    }
}
