//! Classes for text, paths and network addresses. The only text that these classes send is a word that the program
//! itself has listed.

use super::{Class, Extension, INVALID, Locale, NetworkAddress, Release, TextShape, Version, Vocabulary};
use crate::precision::{Precision, outcome_of_release};
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

/// A text type of a program.
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

/// The outcome of a label, without regard to the case of ASCII letters. If the label is not listed, the outcome of the
/// last one, which is `other`.
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
    /// `de-AT`, `de_AT.UTF-8` and `DE` are `de`. A tag whose first part is not two or three letters is unreadable.
    fn outcome(precision: &Precision, value: &T) -> u16 {
        let language = value.text().split(['-', '_', '.', '@']).next().unwrap_or_default();
        // Maps both written forms of Norwegian to `no`, and two codes that ISO 639 has replaced to the present ones.
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

/// The first two numbers of a version such as `v12.4.1-beta`, in the form of `Unit::Version`. `None` if it can't be
/// read, or if one of them does not fit 31 bits.
fn version(text: &str) -> Option<i64> {
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let mut parts = text.splitn(3, '.');
    let number = |part: &str| {
        let digits = part.bytes().take_while(u8::is_ascii_digit).count();
        let (digits, rest) = part.split_at(digits);
        // A number ends at the end of the text, or where SemVer's pre-release or build part begins.
        let ends = rest.is_empty() || rest.starts_with(['-', '+', ' ']);
        ends.then(|| digits.parse::<i64>().ok().filter(|number| *number < 1 << 31))?
    };
    let major = parts.next()?;
    let minor = parts.next();
    // `12-rc.1` has one number: what follows the hyphen is not part of the version number.
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
impl<T: Text + ?Sized> Class<T> for Release {
    const OPTIONAL: bool = false;
    fn outcome(precision: &Precision, value: &T) -> u16 {
        let Precision::Releases(list) = precision else { return INVALID };
        outcome_of_release(list, value.text())
    }
}

#[diagnostic::do_not_recommend]
impl<T: Text + ?Sized> Class<T> for TextShape {
    const OPTIONAL: bool = false;
    fn outcome(_: &Precision, value: &T) -> u16 {
        // Counts only as far as the steps need.
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

/// A path, or text that holds a path.
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
    /// The labels are the list, then `none` and `other`.
    fn outcome(precision: &Precision, value: &T) -> u16 {
        match value.path().extension() {
            // The label `none` means that there is no extension. The file `film.none` has one, so it is `other`.
            Some(extension) if extension.eq_ignore_ascii_case("none") => listed(precision, "other"),
            Some(extension) => listed(precision, extension.to_str().unwrap_or_default()),
            None => listed(precision, "none"),
        }
    }
}

/// A network address of a program.
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
        // An IPv4 address that is mapped into IPv6 counts as the IPv4 address.
        let label = match value.address().to_canonical() {
            IpAddr::V4(v4) => v4_kind(v4),
            IpAddr::V6(v6) => v6_kind(v6),
        };
        listed(precision, label)
    }
}

/// By the address blocks of RFC 6890. The shared block of carriers (RFC 6598) counts as private. The blocks for
/// protocol assignments and benchmarks are `other`: they are not networks that a person has.
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

/// Global unicast is 2000::/3 (RFC 4291), without the two documentation blocks (RFC 3849, RFC 9637).
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
