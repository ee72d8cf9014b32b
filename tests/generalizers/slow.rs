//! What a value becomes by the rules, computed in simple ways. Nothing here is fast, and no code is shared with what is tested.
//!
//! Floats are read as decimal numbers, expanded to their last digit. A number outside 63 bits, an infinity, and a
//! float beyond 2^53 count as arbitrarily large.

use candor::event::class::INVALID;

/// Larger than any bucket bound. Negated, it is smaller than any.
pub(crate) const HUGE: i128 = i128::MAX;

/// A float's exact decimal expansion: whether it is below 0, the digits before the point, and those after it. `None`
/// if the float is not finite.
pub(crate) fn decimal(value: f64) -> Option<(bool, String, String)> {
    if !value.is_finite() {
        return None;
    }
    // No finite double has more than 1,074 digits after the point, so this is exact.
    let text = format!("{value:.1074}");
    let (below, text) = text.strip_prefix('-').map_or((false, text.as_str()), |text| (true, text));
    let (whole, rest) = text.split_once('.')?;
    Some((below, whole.into(), rest.into()))
}

/// The largest whole number that is not above a float. `None` if it is not a number.
pub(crate) fn floor(value: f64) -> Option<i128> {
    if value == f64::INFINITY {
        return Some(HUGE);
    }
    if value == f64::NEG_INFINITY {
        return Some(-HUGE);
    }
    let (below, whole, rest) = decimal(value)?;
    // 2^53 = 9007199254740992, which has 16 digits.
    let limit = 9_007_199_254_740_992i128;
    let size: i128 = if whole.len() > 30 { HUGE } else { whole.parse().unwrap() };
    let fraction = rest.bytes().any(|digit| digit != b'0');
    if size > limit {
        return Some(if below { -HUGE } else { HUGE });
    }
    Some(match (below, fraction) {
        (false, _) => size,
        (true, false) => -size,
        (true, true) => -size - 1,
    })
}

/// The outcome of a float as a ratio: 0, then tenths, then 1.
pub(crate) fn ratio(value: f64) -> u16 {
    let Some((below, whole, rest)) = decimal(value) else { return INVALID };
    let some = |digits: &str| digits.bytes().any(|digit| digit != b'0');
    let nothing = !some(&whole) && !some(&rest);
    match whole.as_str() {
        _ if nothing => 1,
        _ if below => INVALID,
        "0" => 2 + u16::from(rest.as_bytes()[0] - b'0'),
        "1" if !some(&rest) => 12,
        _ => INVALID,
    }
}

/// The same for a part and its whole: ten times the part is compared with each multiple of the whole.
pub(crate) fn portion(part: u64, whole: u64) -> u16 {
    if whole == 0 || part > whole {
        return INVALID;
    }
    if part == 0 {
        return 1;
    }
    let tenths = (1..=10u128).filter(|tenth| u128::from(part) * 10 >= tenth * u128::from(whole)).count();
    2 + u16::try_from(tenths).unwrap()
}

/// The outcome of a number in a list of bounds: the largest bound that is not above it, or the lowest bound if all are above.
pub(crate) fn rung(rungs: &[i128], value: i128) -> u16 {
    let mut outcome = 1;
    for (at, rung) in rungs.iter().enumerate() {
        if *rung <= value {
            outcome = u16::try_from(at + 1).unwrap();
        }
    }
    outcome
}

/// The outcome of a count. The buckets are 0, 1, 2, 3–4, 5–8, 9–16 and so on, then 1,024 and more.
pub(crate) fn count(value: i128) -> u16 {
    match value {
        0..=2 => u16::try_from(value).unwrap() + 1,
        1_024.. => 13,
        _ => {
            let (mut outcome, mut highest) = (4, 4);
            while value > highest {
                highest *= 2;
                outcome += 1;
            }
            outcome
        }
    }
}

/// How many multiples of the step fit, limited at the top.
pub(crate) fn step(step: i128, top: i128, value: i128) -> u16 {
    let value = value.min(top);
    u16::try_from((value - value.rem_euclid(step)) / step + 1).unwrap()
}

/// The same, counted from a number that may be below 0, and limited at both ends.
pub(crate) fn signed_step(step: i128, from: i128, top: i128, value: i128) -> u16 {
    let mut outcome = 1;
    let mut next = from + step;
    while next <= value && next <= top {
        next += step;
        outcome += 1;
    }
    outcome
}

/// Every number up to `top` that has only zeros after its first `digits` digits.
pub(crate) fn digit_rungs(digits: usize, top: u32) -> Vec<i128> {
    let plain = |number: &u32| number.to_string().bytes().skip(digits).all(|digit| digit == b'0');
    (0..=top).filter(plain).map(i128::from).collect()
}

/// 0, then bounds from `from` to `top`: each is the one before times (100 + p) / (100 - p), floored, and at least one more.
pub(crate) fn log_rungs(percent: u128, from: u128, top: u128) -> Vec<i128> {
    let mut rungs = vec![0];
    let mut at = from;
    while at < top {
        rungs.push(i128::try_from(at).unwrap());
        at = (at + 1).max(at * (100 + percent) / (100 - percent));
    }
    rungs.push(i128::try_from(top).unwrap());
    rungs
}

/// 0, then powers of four from 64 KiB to 64 GiB.
pub(crate) fn size_rungs() -> Vec<i128> {
    let mut rungs = vec![0];
    let mut at: i128 = 64 * 1024;
    while at <= 64 * 1024 * 1024 * 1024 {
        rungs.push(at);
        at *= 4;
    }
    rungs
}

/// The outcome of a picture by its shorter side.
pub(crate) fn resolution(a: u128, b: u128) -> u16 {
    let mut sides = [a, b];
    sides.sort_unstable();
    match sides[0] {
        0 => INVALID,
        1..=480 => 1,
        481..=720 => 2,
        721..=1_080 => 3,
        1_081..=1_440 => 4,
        1_441..=2_160 => 5,
        _ => 6,
    }
}

/// The first two numbers of a version, or `None` if they can't be read. A `v` may precede them. A number ends at the
/// end of the text, at a dot, or at what SemVer allows after a number. What follows the second number's end is not
/// read.
pub(crate) fn version(text: &str) -> Option<(u64, u64)> {
    let mut letters: Vec<char> = text.chars().collect();
    if matches!(letters.first(), Some('v' | 'V')) {
        letters.remove(0);
    }
    let mut numbers = Vec::new();
    let mut at = 0;
    loop {
        let begin = at;
        let mut number: u64 = 0;
        while at < letters.len() && letters[at].is_ascii_digit() {
            number = (number * 10 + u64::from(letters[at].to_digit(10)?)).min(1 << 40);
            at += 1;
        }
        if at == begin || number >= 1 << 31 {
            return None;
        }
        numbers.push(number);
        match letters.get(at) {
            Some('.') if numbers.len() < 2 => at += 1,
            None | Some('.' | '-' | '+' | ' ') => break,
            Some(_) => return None,
        }
    }
    Some((numbers[0], numbers.get(1).copied().unwrap_or(0)))
}

/// The language of a locale: the two or three ASCII letters before the first separator or the end.
pub(crate) fn language(text: &str) -> Option<String> {
    let mut language = String::new();
    for letter in text.chars() {
        match letter {
            '-' | '_' | '.' | '@' => break,
            'a'..='z' | 'A'..='Z' => language.push(letter.to_ascii_lowercase()),
            _ => return None,
        }
    }
    matches!(language.len(), 2 | 3).then_some(language)
}

/// The length and the kind of a text.
pub(crate) fn shape(text: &str) -> String {
    let letters: Vec<char> = text.chars().collect();
    let length = match letters.len() {
        0 => return "empty".into(),
        n if n <= 8 => "1_8",
        n if n <= 32 => "9_32",
        n if n <= 128 => "33_128",
        _ => "over_128",
    };
    let make = if letters.iter().all(|letter| "0123456789".contains(*letter)) {
        "digits"
    } else if letters.iter().all(|letter| u32::from(*letter) < 128) {
        "ascii"
    } else {
        "unicode"
    };
    format!("{make}_{length}")
}

/// One part of a pre-release. Numbers come before words.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Part {
    Number(u128),
    Word(String),
}

/// A version as Semantic Versioning orders it: its numbers, whether it is no pre-release, and the parts of that.
pub(crate) type Semantic = ([u64; 3], bool, Vec<Part>);

/// Reads a release. Missing numbers are 0, and the name of a build is dropped.
pub(crate) fn release(text: &str) -> Option<Semantic> {
    let text = if text.starts_with(['v', 'V']) { &text[1..] } else { text };
    let words = |text: &str| {
        text.split('.').all(|word| !word.is_empty() && word.chars().all(|c| c.is_ascii_alphanumeric() || c == '-'))
    };
    let (text, build) = text.split_once('+').unwrap_or((text, "build"));
    let (numbers, pre) = match text.split_once('-') {
        Some((numbers, pre)) => (numbers, Some(pre)),
        None => (text, None),
    };
    if !words(build) || pre.is_some_and(|pre| !words(pre)) {
        return None;
    }
    let parts: Vec<&str> = numbers.split('.').collect();
    let digits = |part: &str| !part.is_empty() && part.len() <= 9 && part.chars().all(|c| c.is_ascii_digit());
    if parts.len() > 3 || !parts.iter().all(|part| digits(part)) {
        return None;
    }
    let number = |at: usize| parts.get(at).map_or(0, |part| part.parse().unwrap());
    let part = |word: &str| match word.chars().all(|c| c.is_ascii_digit()) {
        true => Part::Number(word.parse().unwrap_or(u128::MAX)),
        false => Part::Word(word.to_owned()),
    };
    let pre: Option<Vec<Part>> = pre.map(|pre| pre.split('.').map(part).collect());
    Some(([0, 1, 2].map(number), pre.is_none(), pre.unwrap_or_default()))
}
