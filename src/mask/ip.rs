//! `ip`: the network of an address, as far as /24 and /48; the netmask's length stays as it was.
//! Sources: `inet_net_ntop.c`, `network_send` in PostgreSQL's `network.c`.

use std::io::Write;
use std::net::{Ipv4Addr, Ipv6Addr};

use super::laws::Laws;
use super::sql::{call, cast, concat, quote};
use super::value::{CannotMask, Format, Value};
use super::{redact, text};
use crate::catalog::Scalar;

/// Bits of an IPv4 address that stay.
const V4_BITS: u8 = 24;
/// Bits of an IPv6 address that stay.
const V6_BITS: u8 = 48;

/// Addresses, and text that may hold one.
pub(super) fn laws(scalar: Scalar) -> Option<Laws> {
    (is_address(scalar) || scalar.is_text()).then_some(Laws::PLAIN)
}

fn is_address(scalar: Scalar) -> bool {
    matches!(scalar, Scalar::Inet | Scalar::Cidr)
}

pub(super) fn apply(value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), CannotMask> {
    if is_address(value.scalar) {
        return match value.format {
            Format::Text => std::str::from_utf8(value.bytes).ok().and_then(|text| mask_text(text, out)).ok_or(CannotMask::InvalidValue),
            Format::Binary => mask_binary(value, out).ok_or(CannotMask::InvalidValue),
        };
    }
    let text = text::read(value)?;
    let start = out.len();
    match mask_text(text, out) {
        Some(()) => text::fit(value, start, out),
        None => redact::stars(value, out),
    }
    Ok(())
}

/// `10.1.2.3`, `10.1.2.3/16`, `2001:db8::1/64`.
fn mask_text(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let (address, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let written = if let Ok(v4) = address.parse::<Ipv4Addr>() {
        length.map_or(Some(()), |l| is_length(l, 32))?;
        write!(out, "{}", masked_v4(v4)).ok()
    } else {
        let v6 = address.parse::<Ipv6Addr>().ok()?;
        length.map_or(Some(()), |l| is_length(l, 128))?;
        write!(out, "{}", masked_v6(v6)).ok()
    };
    written?;
    if let Some(length) = length {
        out.push(b'/');
        out.extend_from_slice(length.as_bytes());
    }
    Some(())
}

/// A netmask's length without a sign or leading zeros.
fn is_length(text: &str, most: u8) -> Option<()> {
    let digits = (1..=3).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    (digits && text.parse::<u8>().is_ok_and(|n| n <= most)).then_some(())
}

fn masked_v4(address: Ipv4Addr) -> Ipv4Addr {
    Ipv4Addr::from_bits(address.to_bits() & (u32::MAX << (32 - u32::from(V4_BITS))))
}

/// Behind its third group it is zeros, so it is never written with an IPv4 address at its end, neither by PostgreSQL nor here.
fn masked_v6(address: Ipv6Addr) -> Ipv6Addr {
    Ipv6Addr::from_bits(address.to_bits() & (u128::MAX << (128 - u32::from(V6_BITS))))
}

/// Family (`PGSQL_AF_INET` 2, `PGSQL_AF_INET6` 3), netmask length, whether it is a cidr, number of bytes, bytes.
fn mask_binary(value: &Value<'_>, out: &mut Vec<u8>) -> Option<()> {
    let (head, address) = value.bytes.split_first_chunk::<4>()?;
    let [family, length, cidr, bytes] = *head;
    let (size, kept) = match family {
        2 => (4, V4_BITS),
        3 => (16, V6_BITS),
        _ => return None,
    };
    if bytes != size || address.len() != usize::from(size) || length > size * 8 || cidr != u8::from(value.scalar == Scalar::Cidr) {
        return None;
    }
    let kept = usize::from(kept / 8);
    out.extend_from_slice(head);
    out.extend_from_slice(address.get(..kept)?);
    out.resize(out.len() + address.len() - kept, 0);
    Some(())
}

pub(super) fn sql(scalar: Scalar, column: &str) -> String {
    let family = call("family", &[column]);
    let inet = cast(column, "inet");
    let kept = format!("CASE WHEN {} THEN {V4_BITS} ELSE {V6_BITS} END", call("int4eq", &[&family, "4"]));
    let network = cast(&call("network", &[&call("set_masklen", &[&inet, &kept])]), "inet");
    let masked = call("set_masklen", &[&network, &call("masklen", &[column])]);
    if scalar == Scalar::Cidr { cast(&masked, "cidr") } else { masked }
}

pub(super) fn sql_of_text(column: &str) -> String {
    let text = text::sql(column);
    let octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])";
    let v4 = format!("{octet}\\.{octet}\\.{octet}\\.{octet}");
    // RFC 3986, IPv6address.
    let h = "[0-9A-Fa-f]{1,4}";
    let last = format!("(?:{h}:{h}|{v4})");
    let mut forms = vec![format!("(?:{h}:){{6}}{last}"), format!("::(?:{h}:){{5}}{last}")];
    for (before, behind) in [(0, 4), (1, 3), (2, 2), (3, 1)] {
        forms.push(format!("(?:(?:{h}:){{0,{before}}}{h})?::(?:{h}:){{{behind}}}{last}"));
    }
    forms.push(format!("(?:(?:{h}:){{0,4}}{h})?::{last}"));
    forms.push(format!("(?:(?:{h}:){{0,5}}{h})?::{h}"));
    forms.push(format!("(?:(?:{h}:){{0,6}}{h})?::"));
    let v6 = forms.join("|");
    let matches = |pattern: &str| call("textregexeq", &[&text, &quote(pattern)]);
    let is_v4 = matches(&format!("^{v4}(?:/(?:3[0-2]|[12][0-9]|[0-9]))?$"));
    let is_v6 = matches(&format!("^(?:{v6})(?:/(?:12[0-8]|1[01][0-9]|[1-9]?[0-9]))?$"));
    let address = cast(&call("split_part", &[&text, &quote("/"), "1"]), "inet");
    let length = format!("COALESCE({}, '')", call("substring", &[&text, &quote("/.*$")]));
    let network = |bits: u8| {
        let network = call("network", &[&call("set_masklen", &[&address, &bits.to_string()])]);
        concat(&[&call("host", &[&format!("({network})::pg_catalog.inet")]), &length])
    };
    let stars = super::sql::unless_null(column, &quote("***"));
    format!("CASE WHEN {is_v4} THEN {} WHEN {is_v6} THEN {} ELSE {stars} END", network(V4_BITS), network(V6_BITS))
}
