//! Text and addresses: what they become one of. No part of a text leaves but a word that the program itself listed.

use super::{Class, Extension, INVALID, Locale, NetworkAddress, TextShape, Version, Vocabulary};
use crate::precision::Precision;
use std::{
    borrow::Cow,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
};

mod sealed {
    pub trait Sealed {}
}

/// Text as it stands in programs.
pub trait Text: sealed::Sealed {
    /// The text.
    fn text(&self) -> &str;
}

macro_rules! texts {
    ($($text:ty),*) => {$(
        impl sealed::Sealed for $text {}
        #[diagnostic::do_not_recommend]
        impl Text for $text {
            #[inline]
            fn text(&self) -> &str {
                self
            }
        }
    )*};
}
texts!(str, String, Box<str>, Arc<str>, Rc<str>, Cow<'_, str>);

impl<T: sealed::Sealed + ?Sized> sealed::Sealed for &T {}
#[diagnostic::do_not_recommend]
impl<T: Text + ?Sized> Text for &T {
    #[inline]
    fn text(&self) -> &str {
        (**self).text()
    }
}

/// The outcome of a label, the case of ASCII letters aside; the last one, `other`, where it is not listed.
fn listed(precision: &Precision, word: &str) -> u16 {
    let Precision::Labels(labels) = precision else { return INVALID };
    let at = labels.iter().position(|label| label.eq_ignore_ascii_case(word)).unwrap_or(labels.len().saturating_sub(1));
    u16::try_from(at + 1).unwrap_or(INVALID)
}

#[diagnostic::do_not_recommend]
impl<T: Text + ?Sized> Class<T> for Vocabulary {
    const OPTIONAL: bool = false;
    #[inline]
    fn outcome(precision: &Precision, value: &T) -> u16 {
        listed(precision, value.text())
    }
}

#[diagnostic::do_not_recommend]
impl<T: Text + ?Sized> Class<T> for Locale {
    const OPTIONAL: bool = true;
    /// `de-AT`, `de_AT.UTF-8` and `DE` are `de`. What does not begin with two or three letters is unreadable.
    fn outcome(precision: &Precision, value: &T) -> u16 {
        let language = value.text().split(['-', '_', '.', '@']).next().unwrap_or_default();
        // Both written forms of Norwegian, and two codes that ISO 639 has replaced.
        let language = match language {
            _ if language.eq_ignore_ascii_case("nb") || language.eq_ignore_ascii_case("nn") => "no",
            _ if language.eq_ignore_ascii_case("iw") => "he",
            _ if language.eq_ignore_ascii_case("in") => "id",
            language => language,
        };
        match language.len() {
            2..=3 if language.bytes().all(|byte| byte.is_ascii_alphabetic()) => listed(precision, language),
            _ => INVALID,
        }
    }
}

/// The first two numbers of `v12.4.1-beta`, as the ladders of versions count; each fits 31 bits or is unreadable.
fn version(text: &str) -> Option<i64> {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let mut parts = text.splitn(3, '.');
    let number = |part: &str| {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = part.split_at(digits);
        // What ends a number is the end, or what SemVer puts behind one.
        let ends = rest.is_empty() || rest.starts_with(['-', '+', ' ']);
        ends.then(|| digits.parse::<i64>().ok().filter(|number| *number < 1 << 31))?
    };
    let major = parts.next()?;
    let minor = parts.next();
    // `12-rc.1` has one part: what follows a hyphen is no number of the version.
    let alone = major.bytes().any(|byte| !byte.is_ascii_digit());
    let minor = if alone { Some(0) } else { minor.map_or(Some(0), number) };
    Some((number(major)? << 32) | minor?)
}

#[diagnostic::do_not_recommend]
impl<T: Text + ?Sized> Class<T> for Version {
    const OPTIONAL: bool = true;
    fn outcome(precision: &Precision, value: &T) -> u16 {
        version(value.text()).map_or(INVALID, |version| precision.outcome_of(version))
    }
}

#[diagnostic::do_not_recommend]
impl<T: Text + ?Sized> Class<T> for TextShape {
    const OPTIONAL: bool = false;
    fn outcome(_: &Precision, value: &T) -> u16 {
        // No more is looked at than tells the steps apart.
        let length = match value.text().chars().take(129).count() {
            0 => return 1,
            1..=8 => 2,
            9..=32 => 3,
            33..=128 => 4,
            _ => 5,
        };
        let (mut digits, mut ascii) = (true, true);
        for byte in value.text().bytes() {
            digits &= byte.is_ascii_digit();
            ascii &= byte.is_ascii();
            if !ascii {
                break;
            }
        }
        length
            + if digits {
                0
            } else if ascii {
                4
            } else {
                8
            }
    }
}

/// What has an extension: a path, or a path as text.
pub trait AsPath: sealed::Sealed {
    /// The path.
    fn path(&self) -> &Path;
}

macro_rules! paths {
    ($($path:ty),*) => {$(
        #[diagnostic::do_not_recommend]
        impl AsPath for $path {
            #[inline]
            fn path(&self) -> &Path {
                self.as_ref()
            }
        }
    )*};
}
impl sealed::Sealed for Path {}
impl sealed::Sealed for PathBuf {}
paths!(Path, PathBuf, str, String);

#[diagnostic::do_not_recommend]
impl<T: AsPath + ?Sized> AsPath for &T {
    #[inline]
    fn path(&self) -> &Path {
        (**self).path()
    }
}

#[diagnostic::do_not_recommend]
impl<T: AsPath + ?Sized> Class<T> for Extension {
    const OPTIONAL: bool = false;
    /// The labels are the list, `none` and `other`.
    fn outcome(precision: &Precision, value: &T) -> u16 {
        match value.path().extension() {
            // The label for no extension is no extension: `film.none` has another one.
            Some(extension) if extension.eq_ignore_ascii_case("none") => listed(precision, "other"),
            Some(extension) => listed(precision, extension.to_str().unwrap_or_default()),
            None => listed(precision, "none"),
        }
    }
}

/// An address as it stands in programs.
pub trait Address: sealed::Sealed {
    /// The address, without a port.
    fn address(&self) -> IpAddr;
}

macro_rules! addresses {
    ($($address:ty => $ip:expr),*) => {$(
        impl sealed::Sealed for $address {}
        #[diagnostic::do_not_recommend]
        impl Address for $address {
            #[inline]
            fn address(&self) -> IpAddr {
                let ip: fn(&$address) -> IpAddr = $ip;
                ip(self)
            }
        }
    )*};
}
addresses!(
    IpAddr => |address| *address,
    Ipv4Addr => |address| IpAddr::V4(*address),
    Ipv6Addr => |address| IpAddr::V6(*address),
    SocketAddr => |address| address.ip()
);

#[diagnostic::do_not_recommend]
impl<T: Address> Class<T> for NetworkAddress {
    const OPTIONAL: bool = false;
    fn outcome(precision: &Precision, value: &T) -> u16 {
        // An IPv4 address in IPv6 clothes is what it is underneath.
        let label = match value.address().to_canonical() {
            IpAddr::V4(v4) => v4_kind(v4),
            IpAddr::V6(v6) => v6_kind(v6),
        };
        listed(precision, label)
    }
}

/// By the blocks of RFC 6890, and the shared block of carriers (RFC 6598) as private. Protocol assignments and benchmarks
/// are no networks that somebody has.
fn v4_kind(address: Ipv4Addr) -> &'static str {
    let [a, b, c, _] = address.octets();
    match address {
        _ if address.is_loopback() => "loopback",
        _ if address.is_private() || (a == 100 && b & 0xc0 == 64) => "private",
        _ if address.is_link_local() => "link_local",
        _ if a == 0 || a >= 224 || address.is_documentation() => "other",
        _ if (a, b, c) == (192, 0, 0) || (a == 198 && b & 0xfe == 18) => "other",
        _ => "global_v4",
    }
}

/// Global unicast is 2000::/3 (RFC 4291), without the two blocks for documentation (RFC 3849, RFC 9637).
fn v6_kind(address: Ipv6Addr) -> &'static str {
    let [a, b, ..] = address.segments();
    match address {
        _ if address.is_loopback() => "loopback",
        _ if address.is_unique_local() => "private",
        _ if address.is_unicast_link_local() => "link_local",
        _ if (a == 0x2001 && b == 0x0db8) || (a == 0x3fff && b >> 12 == 0) => "other",
        _ if a >> 13 == 1 => "global_v6",
        _ => "other",
    }
}
