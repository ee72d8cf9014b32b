//! The classes of text, paths and addresses. Outcomes are compared by their labels, so that no order of a list is assumed.

use crate::{
    checker::Subject,
    lab::{self, partition},
    numbers::random,
    slow, tally,
};
use candor::{
    Precision,
    event::{
        Fixed,
        class::{Class, Extension, INVALID, Locale, NetworkAddress, Release, TextShape, Version, Vocabulary},
    },
};
use proptest::{
    prelude::{Strategy, any},
    test_runner::TestCaseError,
};
use std::{
    borrow::Cow,
    fmt::Debug,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    path::{Path, PathBuf},
    rc::Rc,
    sync::Arc,
};

fn labels(precision: Precision) -> &'static [&'static str] {
    let Precision::Labels(labels) = precision else { panic!("{precision:?} has no labels") };
    labels
}

/// The outcome of a label. `None` is unreadable.
fn at(precision: Precision, label: Option<&str>) -> u16 {
    let place = |label| labels(precision).iter().position(|known| *known == label).map(|at| at + 1);
    label.map_or(INVALID, |label| u16::try_from(place(label).unwrap_or_else(|| panic!("no label {label}"))).unwrap())
}

/// Tests a class of labels with edge values and with random values.
fn try_labels<T: Debug + 'static>(
    class: &'static str,
    precision: Precision,
    outcome: &dyn Fn(&T) -> u16,
    label: &dyn Fn(&T) -> Option<String>,
    sent: &dyn Fn(&str) -> Option<T>,
    edges: &[T],
    anything: &impl Strategy<Value = T>,
) {
    let subject = Subject {
        class,
        outcomes: precision.outcomes(),
        outcome,
        slow: &|value| at(precision, label(value).as_deref()),
        sent: &|outcome| sent(labels(precision)[usize::from(outcome) - 1]),
        rank: None,
    };
    subject.check(edges);
    // Every label is the outcome of some value, unless no value can have it.
    for known in labels(precision) {
        if let Some(value) = sent(known) {
            assert_eq!(outcome(&value), at(precision, Some(known)), "{class}: {known}");
        }
    }
    random(anything, |value| match subject.faults(&[value]).into_iter().next() {
        Some(fault) => Err(TestCaseError::fail(format!("{class} is not `{}`: {}", fault.property, fault.shown_by))),
        None => Ok(()),
    });
    subject.count();
}

fn strings(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

/// Unusual texts, some of them very long.
fn odd() -> Vec<String> {
    let mut odd =
        strings(&["", " ", "\0", "\n", "other", "OTHER", "none", "é", "İ", "ß", "\u{202e}", "٣", "𝟙", "e\u{301}"]);
    odd.extend(["x".repeat(100_000), "\u{10ffff}".repeat(1_000), "1".repeat(100_000)]);
    odd
}

/// Every type of text has the same outcome for the same text.
fn every_type_of_text<C>(precision: Precision, texts: &[String])
where
    C: Class<str> + Class<String> + Class<Box<str>> + Class<Arc<str>> + Class<Rc<str>> + Class<Cow<'static, str>>,
    C: for<'a> Class<&'a str> + for<'a> Class<&'a String> + Class<Option<String>>,
{
    for text in texts {
        let want = <C as Class<String>>::outcome(&precision, text);
        assert_eq!(<C as Class<str>>::outcome(&precision, text), want);
        assert_eq!(<C as Class<Box<str>>>::outcome(&precision, &text.as_str().into()), want);
        assert_eq!(<C as Class<Arc<str>>>::outcome(&precision, &text.as_str().into()), want);
        assert_eq!(<C as Class<Rc<str>>>::outcome(&precision, &text.as_str().into()), want);
        assert_eq!(<C as Class<Cow<'static, str>>>::outcome(&precision, &Cow::Owned(text.clone())), want);
        assert_eq!(<C as Class<&str>>::outcome(&precision, &text.as_str()), want);
        assert_eq!(<C as Class<&String>>::outcome(&precision, &text), want);
        assert_eq!(<C as Class<Option<String>>>::outcome(&precision, &Some(text.clone())), want);
    }
    assert_eq!(<C as Class<Option<String>>>::outcome(&precision, &None), 0);
    let unreadable = texts.iter().any(|text| <C as Class<str>>::outcome(&precision, text) == INVALID);
    assert_eq!(<C as Class<str>>::OPTIONAL, unreadable);
}

#[test]
fn vocabulary() {
    let precision = partition::<lab::Lists<'_>>("vocabulary");
    assert_eq!(labels(precision), ["h264", "HEVC", "av1", "other"]);
    let label = |text: &String| {
        let known = labels(precision).iter().find(|known| known.to_lowercase() == text.to_lowercase());
        // Only the case of ASCII letters is ignored: `ſ` and `K` (kelvin) match no letter of a list.
        Some(known.filter(|_| text.is_ascii()).map_or("other", |known| known).to_owned())
    };
    let mut edges = odd();
    edges.extend(strings(&["h264", "H264", "hevc", "HEVC", "hEvC", "av1", "av1 ", " av1", "av", "av11", "h264\0"]));
    let anything = proptest::prop_oneof!["[aAvVhHeEcC1246]{0,5}", "\\PC*"];
    let outcome = |text: &String| <Vocabulary as Class<String>>::outcome(&precision, text);
    try_labels("vocabulary", precision, &outcome, &label, &|known| Some(known.into()), &edges, &anything);
    every_type_of_text::<Vocabulary>(precision, &edges);
}

#[test]
fn extension() {
    let precision = partition::<lab::Lists<'_>>("extension");
    assert_eq!(labels(precision), ["mkv", "mp4", "gz", "none", "other"]);
    let label = |path: &PathBuf| {
        let text = path.to_string_lossy();
        // The last component that is a name. Slashes and `.` components after it are ignored.
        let name = text.split('/').rfind(|part| !part.is_empty() && *part != ".").unwrap_or_default();
        let Some((stem, extension)) = name.rsplit_once('.').filter(|(stem, _)| !stem.is_empty() && name != "..") else {
            return Some("none".to_owned());
        };
        let _ = stem;
        let known = ["mkv", "mp4", "gz"].into_iter().find(|known| extension.eq_ignore_ascii_case(known));
        Some(known.unwrap_or("other").to_owned())
    };
    let sent = |known: &str| Some(PathBuf::from(if known == "none" { "film".into() } else { format!("film.{known}") }));
    let mut edges: Vec<PathBuf> = odd().into_iter().filter(|text| !text.contains('\0')).map(PathBuf::from).collect();
    let paths = [
        "film.mkv",
        "FILM.MKV",
        "film.Mp4",
        "a.tar.gz",
        "film",
        "film.",
        ".mkv",
        "..mkv",
        "film.mkv/",
        "film.mkv/.",
        "/",
        ".",
        "..",
        "../..",
        "a.mkv/b",
        "a.mkv/..",
        "a/.b.mkv",
        "film.mkvx",
        "film.mk",
        "film. mkv",
        "film.mkv ",
        "mkv",
        "film.none",
        "film.NONE",
        "film.other",
        "film.mkv.none",
        "C:\\film.mkv",
        "film.é",
        "a//b.mp4//",
        "film.mkv\n",
    ];
    edges.extend(paths.map(PathBuf::from));
    let anything = proptest::prop_oneof!["[a./mkv4pgz]{0,9}", "[^\0]{0,20}"].prop_map(PathBuf::from);
    let outcome = |path: &PathBuf| <Extension as Class<PathBuf>>::outcome(&precision, path);
    try_labels("extension", precision, &outcome, &label, &sent, &edges, &anything);
    for path in &edges {
        let (want, text) = (outcome(path), path.to_str().unwrap());
        assert_eq!(<Extension as Class<Path>>::outcome(&precision, path), want);
        assert_eq!(<Extension as Class<&Path>>::outcome(&precision, &path.as_path()), want);
        assert_eq!(<Extension as Class<str>>::outcome(&precision, text), want);
        assert_eq!(<Extension as Class<String>>::outcome(&precision, &text.to_owned()), want);
    }
    #[cfg(unix)]
    {
        use std::os::unix::ffi::OsStrExt as _;
        let broken = Path::new(std::ffi::OsStr::from_bytes(b"film.mk\xff"));
        assert_eq!(<Extension as Class<Path>>::outcome(&precision, broken), at(precision, Some("other")));
    }
    const { assert!(!<Extension as Class<Path>>::OPTIONAL) };
}

#[test]
fn locale() {
    let precision = Locale::PRECISION;
    assert_eq!(labels(precision).len(), 32, "31 languages, and other");
    let label = |text: &String| {
        // Bokmål and Nynorsk are Norwegian. Two codes have been replaced.
        let language = match slow::language(text)?.as_str() {
            "nb" | "nn" => "no".to_owned(),
            "iw" => "he".to_owned(),
            "in" => "id".to_owned(),
            other => other.to_owned(),
        };
        Some(if labels(precision).contains(&language.as_str()) { language } else { "other".into() })
    };
    // A language that is not listed represents `other`.
    let sent = |known: &str| Some(if known == "other" { "tlh".to_owned() } else { known.to_owned() });
    let mut edges = odd();
    edges.extend(strings(&[
        "de",
        "DE",
        "de-AT",
        "de_AT.UTF-8",
        "de@euro",
        "de.",
        "de-",
        "d",
        "d-AT",
        "deu",
        "germ",
        "german",
        "C",
        "C.UTF-8",
        "POSIX",
        "x-klingon",
        "i-klingon",
        "en-x-secret",
        "zh-Hant-TW",
        "nb-NO",
        "NN",
        "iw-IL",
        "in",
        "d1",
        "1",
        "-de",
        " de",
        "de ",
        "dé",
        "oth",
        "other",
        "fil-PH",
        "EN_us",
    ]));
    let anything = proptest::prop_oneof!["[a-zA-Z]{1,4}([-_.@].{0,5})?", "\\PC*"];
    let outcome = |text: &String| <Locale as Class<String>>::outcome(&precision, text);
    try_labels("locale", precision, &outcome, &label, &sent, &edges, &anything);
    every_type_of_text::<Locale>(precision, &edges);
}

#[test]
fn text_shape() {
    let precision = TextShape::PRECISION;
    let label = |text: &String| Some(slow::shape(text));
    let sent = |known: &str| {
        let Some((make, length)) = known.split_once('_') else { return Some(String::new()) };
        let letter = match make {
            "digits" => "7",
            "ascii" => "a",
            _ => "é",
        };
        Some(letter.repeat(match length {
            "1_8" => 1,
            "9_32" => 9,
            "33_128" => 33,
            _ => 129,
        }))
    };
    let mut edges = odd();
    for length in [1, 7, 8, 9, 31, 32, 33, 127, 128, 129, 130, 1_000] {
        for letter in ["0", "9", "a", " ", "\u{7f}", "\u{80}", "é", "漢", "😀"] {
            edges.push(letter.repeat(length));
            // One unusual letter at either end.
            edges.push(letter.repeat(length - 1) + "9");
            edges.push("é".to_owned() + &letter.repeat(length - 1));
            edges.push(letter.repeat(length - 1) + "é");
        }
    }
    let anything = proptest::prop_oneof!["[0-9]{0,140}", "[ -~]{0,140}", "\\PC{0,140}"];
    let outcome = |text: &String| <TextShape as Class<String>>::outcome(&precision, text);
    try_labels("text_shape", precision, &outcome, &label, &sent, &edges, &anything);
    every_type_of_text::<TextShape>(precision, &edges);
}

#[test]
fn version() {
    let precision = partition::<lab::Lists<'_>>("version");
    let known = [(0, 0), (11, 0), (12, 0), (12, 4), (13, 0)];
    let slow = |text: &String| {
        let Some(version) = slow::version(text) else { return INVALID };
        u16::try_from(known.iter().filter(|known| **known <= version).count()).unwrap()
    };
    let rank = |text: &String| slow::version(text).map(|(major, minor)| i128::from(major) << 64 | i128::from(minor));
    let subject = Subject {
        class: "version",
        outcomes: precision.outcomes(),
        outcome: &|text| <Version as Class<String>>::outcome(&precision, text),
        slow: &slow,
        sent: &|outcome| known.get(usize::from(outcome) - 1).map(|(major, minor)| format!("{major}.{minor}")),
        rank: Some(&rank),
    };
    let mut edges = odd();
    edges.extend(strings(&[
        "12",
        "12.4",
        "12.4.1",
        "12.4.1-beta+g3a",
        "v12.4",
        "V12.4",
        "vv12",
        "12.3",
        "12.5",
        "12.40",
        "12.04",
        "012.4",
        "11.99",
        "10.99",
        "13",
        "13.0",
        "13.-1",
        "-13",
        "+13",
        " 13",
        "13 ",
        "13 (build 7)",
        "13\t",
        "13rc1",
        "13-rc1",
        "13.0rc1",
        "13.0-rc1",
        "12-rc.1",
        "12+4.9",
        "12.",
        ".12",
        "12..4",
        "12.x",
        "x.12",
        "v",
        "v.",
        "1",
        "0",
        "0.0",
        "2147483647",
        "2147483648",
        "12.2147483647",
        "12.2147483648",
        "4294967296",
        "12.4294967300",
        "18446744073709551628",
        "99999999999999999999999999999999999999.1",
        "12.99999999999999999999999999999999999999",
        "१२",
        "12.४",
        "1e3",
        "0x10",
        "12,4",
        "12_4",
        "12.4_1",
        "12.4.",
        "12-",
        "12+",
        "12.4-",
        "12.4\0",
    ]));
    for (major, minor) in known {
        for (major, minor) in [(major, minor), (major, minor + 1), (major + 1, minor), (major, 1_000_000)] {
            edges.extend([format!("{major}.{minor}"), format!("v{major}.{minor}.7-a.b+c"), format!("{major}")]);
        }
    }
    subject.check(&edges);
    random(&proptest::prop_oneof!["[vV]?[0-9]{0,3}[.+ -]?[0-9]{0,3}\\PC?", "[0-9.]{0,30}", "\\PC*"], |text| {
        match subject.faults(&[text]).into_iter().next() {
            Some(fault) => Err(TestCaseError::fail(format!("not `{}`: {}", fault.property, fault.shown_by))),
            None => Ok(()),
        }
    });
    subject.count();
    every_type_of_text::<Version>(precision, &edges);
    // What is sent is the version's text, which has the same outcome.
    for outcome in 2..=5u16 {
        let cut = precision.lower_cut(outcome).unwrap();
        assert_eq!(candor::Unit::Version.words(cut), (subject.sent)(outcome).unwrap());
    }
}

#[test]
fn release() {
    let precision = partition::<lab::Released<'_>>("release");
    assert_eq!(precision, Precision::Releases(&lab::RELEASES));
    let known = lab::RELEASES.map(|release| slow::release(release).unwrap());
    let slow = |text: &String| {
        let Some(release) = slow::release(text) else { return 7 };
        match known.iter().position(|known| *known == release) {
            Some(at) => u16::try_from(at + 2).unwrap(),
            None if release < known[0] => 1,
            None => 7,
        }
    };
    let subject = Subject {
        class: "release",
        outcomes: precision.outcomes(),
        outcome: &|text| <Release as Class<String>>::outcome(&precision, text),
        slow: &slow,
        // `older` and `other` are no versions.
        sent: &|outcome| lab::RELEASES.get(usize::from(outcome).checked_sub(2)?).map(|release| (*release).to_owned()),
        rank: None,
    };
    let mut edges = odd();
    edges.extend(strings(&[
        "older",
        "1.4",
        "1.4.0.0",
        "v1.4.0",
        "vv1.4.0",
        "V2.0.0",
        "1.4.0+debian1",
        "1.4.0+",
        "1.4.0+a+b",
        "1.4.0-",
        "1.4.0-rc.1",
        "1.4.2",
        "1.3.99",
        "1.5.0",
        "2.0.0-alpha",
        "2.0.0-alpha.1",
        "2.0.0-alpha.02",
        "2.0.0-alpha.10",
        "2.0.0-alpha.beta",
        "2.0.0-rc",
        "2.0.0-rc.1.0",
        "2.0.0-RC.1",
        "2.0.0-rc..1",
        "2",
        "2.0",
        "02.0.0",
        "2.0.1",
        "1.04.1",
        "0",
        "0.0.0-0",
        "999999999.0.0",
        "1000000000.0.0",
        "1.4.1 ",
        " 1.4.1",
        "1.4.1\0",
        "git-3fa2",
        "2.0.0-é",
    ]));
    for release in lab::RELEASES {
        edges.extend([release.to_owned(), format!("{release}+g3a"), format!("v{release}"), format!("{release}.0")]);
    }
    subject.check(&edges);
    let drawn = "v?[12]\\.[0-4](\\.[0-2])?(-(alpha|rc|0|1)(\\.[0-2b])?)?(\\+[a-c.]{0,3})?";
    random(&proptest::prop_oneof![drawn, "[0-9.+a-]{0,12}", "\\PC*"], |text| {
        match subject.faults(&[text]).into_iter().next() {
            Some(fault) => Err(TestCaseError::fail(format!("not `{}`: {}", fault.property, fault.shown_by))),
            None => Ok(()),
        }
    });
    subject.count();
    every_type_of_text::<Release>(precision, &edges);
}

/// The blocks of the registries (RFC 6890 and its updates). Of the blocks that contain an address, the narrowest comes first.
const V4: [(&str, u32, &str); 17] = [
    ("0.0.0.0", 8, "other"),
    ("10.0.0.0", 8, "private"),
    ("100.64.0.0", 10, "private"),
    ("127.0.0.0", 8, "loopback"),
    ("169.254.0.0", 16, "link_local"),
    ("172.16.0.0", 12, "private"),
    // Two of its addresses are anycast addresses of the whole Internet. No user's own computer has one.
    ("192.0.0.0", 24, "other"),
    ("192.0.2.0", 24, "other"),
    ("192.168.0.0", 16, "private"),
    ("198.18.0.0", 15, "other"),
    ("198.51.100.0", 24, "other"),
    ("203.0.113.0", 24, "other"),
    ("224.0.0.0", 4, "other"),
    ("240.0.0.0", 4, "other"),
    ("255.255.255.255", 32, "other"),
    ("192.88.99.0", 24, "global_v4"),
    ("0.0.0.0", 0, "global_v4"),
];

const V6: [(&str, u32, &str); 8] = [
    ("::1", 128, "loopback"),
    ("fc00::", 7, "private"),
    ("fe80::", 10, "link_local"),
    ("2001:db8::", 32, "other"),
    ("3fff::", 20, "other"),
    ("2000::", 3, "global_v6"),
    ("ff00::", 8, "other"),
    ("::", 0, "other"),
];

fn network(address: IpAddr) -> &'static str {
    let mask = |bits: u32, of: u32| if bits == 0 { 0 } else { u128::MAX << (of - bits) & (u128::MAX >> (128 - of)) };
    let v4 = |address: Ipv4Addr| {
        let inside = |block: &&(&str, u32, &str)| {
            let base: Ipv4Addr = block.0.parse().unwrap();
            u128::from(address.to_bits()) & mask(block.1, 32) == u128::from(base.to_bits())
        };
        V4.iter().find(inside).unwrap().2
    };
    let v6 = |address: Ipv6Addr| {
        let inside = |block: &&(&str, u32, &str)| {
            let base: Ipv6Addr = block.0.parse().unwrap();
            address.to_bits() & mask(block.1, 128) == base.to_bits()
        };
        V6.iter().find(inside).unwrap().2
    };
    match address {
        IpAddr::V4(address) => v4(address),
        // ::ffff:0:0/96 is a mapped IPv4 address.
        IpAddr::V6(address) if address.to_bits() >> 32 == 0xffff => v4(Ipv4Addr::from_bits(address.to_bits() as u32)),
        IpAddr::V6(address) => v6(address),
    }
}

#[test]
fn network_address() {
    let precision = NetworkAddress::PRECISION;
    let mut edges: Vec<IpAddr> = Vec::new();
    for (base, bits, _) in V4 {
        let first = base.parse::<Ipv4Addr>().unwrap().to_bits();
        let last = first | u32::MAX.checked_shr(bits).unwrap_or(0);
        for at in
            [first.wrapping_sub(1), first, first.wrapping_add(1), last.wrapping_sub(1), last, last.wrapping_add(1)]
        {
            edges.extend([IpAddr::V4(Ipv4Addr::from_bits(at)), Ipv4Addr::from_bits(at).to_ipv6_mapped().into()]);
            // The same bits without the prefix of a mapped address: an address of no network.
            edges.push(Ipv6Addr::from_bits(at.into()).into());
        }
    }
    for (base, bits, _) in V6 {
        let first = base.parse::<Ipv6Addr>().unwrap().to_bits();
        let last = first | u128::MAX.checked_shr(bits).unwrap_or(0);
        for at in
            [first.wrapping_sub(1), first, first.wrapping_add(1), last.wrapping_sub(1), last, last.wrapping_add(1)]
        {
            edges.push(Ipv6Addr::from_bits(at).into());
        }
    }
    for text in ["8.8.8.8", "1.1.1.1", "2606:4700::1111", "64:ff9b::808:808", "fec0::1", "2002:808:808::1", "fe80::1"] {
        edges.push(text.parse().unwrap());
    }
    let outcome = |address: &IpAddr| <NetworkAddress as Class<IpAddr>>::outcome(&precision, address);
    let label = |address: &IpAddr| Some(network(*address).to_owned());
    let sent = |known: &str| {
        let address = match known {
            "loopback" => "127.0.0.1",
            "private" => "192.168.1.20",
            "link_local" => "fe80::1",
            "global_v4" => "8.8.8.8",
            "global_v6" => "2606:4700::1111",
            _ => "0.0.0.0",
        };
        address.parse().ok()
    };
    let anything = proptest::prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::V4(Ipv4Addr::from_bits(bits))),
        any::<u128>().prop_map(|bits| IpAddr::V6(Ipv6Addr::from_bits(bits))),
        any::<u32>().prop_map(|bits| Ipv4Addr::from_bits(bits).to_ipv6_mapped().into()),
    ];
    try_labels("network_address", precision, &outcome, &label, &sent, &edges, &anything);
    for address in edges {
        let want = outcome(&address);
        assert_eq!(<NetworkAddress as Class<SocketAddr>>::outcome(&precision, &SocketAddr::new(address, 80)), want);
        match address {
            IpAddr::V4(v4) => assert_eq!(<NetworkAddress as Class<Ipv4Addr>>::outcome(&precision, &v4), want),
            IpAddr::V6(v6) => assert_eq!(<NetworkAddress as Class<Ipv6Addr>>::outcome(&precision, &v6), want),
        }
    }
    const { assert!(!<NetworkAddress as Class<IpAddr>>::OPTIONAL) };
    assert_eq!(<NetworkAddress as Class<Option<IpAddr>>>::outcome(&precision, &None), 0);
}

#[test]
fn codes_and_groups_take_any_bytes() {
    for text in odd() {
        let said = candor::preview(&lab::Met { hash: &text, cohort: &text });
        assert_eq!(said[0], ("hash", "a code".to_owned()));
        // Only the secret determines which group it would be.
        assert_eq!(said[1], ("cohort", "one of 16 groups".to_owned()));
    }
    let cohort = partition::<lab::Met<'_>>("cohort");
    assert_eq!((cohort, cohort.outcomes()), (Precision::Cohort { bits: 4 }, 16));
    for class in ["hash", "cohort"] {
        tally::property(class, "total");
    }
}
