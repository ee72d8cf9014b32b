//! Exact reading of the numbers in the input, as decimal fixed point, so that a value of 0.3 is exactly at a bound of 0.3.
//! Follows candor's rule for which numbers are unusable. Never rounds to nearest.

/// Fixed-point parts per unit.
pub(crate) const PARTS: u128 = 1_000_000_000;
/// Larger values belong to the top bucket.
const MOST: u128 = (1 << 53) * PARTS;

/// A usable number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Amount {
    /// In billionths, floored.
    Parts(u128),
    /// Above 2^53, or infinite.
    Top,
}

/// Why a text is not a usable number. Each case counts as "not sent".
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfit {
    /// The text is empty.
    Missing,
    /// The text is not a number.
    NotANumber,
    /// The number is below zero, or NaN.
    Negative,
}

impl Amount {
    /// In whole units, floored, as candor's classes expect it.
    pub(crate) fn whole(self) -> u64 {
        match self {
            Amount::Parts(parts) => u64::try_from(parts / PARTS).unwrap_or(u64::MAX),
            Amount::Top => u64::MAX,
        }
    }

    /// As a float, for arithmetic that need not be exact.
    pub(crate) fn float(self) -> f64 {
        match self {
            Amount::Parts(parts) => units(parts),
            Amount::Top => f64::INFINITY,
        }
    }
}

/// Billionths as a float in whole units.
pub(crate) fn units(parts: u128) -> f64 {
    (parts / PARTS) as f64 + (parts % PARTS) as f64 / PARTS as f64
}

/// Reads a number. Fails if the text is empty, not a number, negative or NaN.
pub(crate) fn read(text: &[u8]) -> Result<Amount, Unfit> {
    let text = text.trim_ascii();
    let (negative, rest) = match text.split_first() {
        None => return Err(Unfit::Missing),
        Some((b'-', rest)) => (true, rest),
        Some((b'+', rest)) => (false, rest),
        Some(_) => (false, text),
    };
    if rest.eq_ignore_ascii_case(b"nan") {
        return Err(Unfit::Negative);
    }
    if rest.eq_ignore_ascii_case(b"inf") || rest.eq_ignore_ascii_case(b"infinity") {
        return if negative { Err(Unfit::Negative) } else { Ok(Amount::Top) };
    }
    let parts = decimal(rest).ok_or(Unfit::NotANumber)?;
    match parts {
        Decimal::Zero => Ok(Amount::Parts(0)),
        _ if negative => Err(Unfit::Negative),
        Decimal::Parts(parts) if parts <= MOST => Ok(Amount::Parts(parts)),
        Decimal::Parts(_) | Decimal::Huge => Ok(Amount::Top),
    }
}

enum Decimal {
    Zero,
    Parts(u128),
    Huge,
}

/// `digits[.digits][e[±]digits]`, without a sign.
fn decimal(text: &[u8]) -> Option<Decimal> {
    // Keeps up to 30 digits. Any further digit is far below a billionth, or the number is huge anyway.
    let (mut mantissa, mut kept, mut exponent, mut seen, mut point) = (0u128, 0u32, 9i64, false, false);
    let mut rest = text;
    while let Some((&byte, tail)) = rest.split_first() {
        match byte {
            b'0'..=b'9' => {
                seen = true;
                if kept < 30 {
                    mantissa = mantissa * 10 + u128::from(byte - b'0');
                    kept += u32::from(mantissa > 0);
                    exponent -= i64::from(point);
                } else {
                    exponent += i64::from(!point);
                }
            }
            b'.' if !point => point = true,
            b'e' | b'E' if seen => {
                exponent = exponent.saturating_add(power(tail)?);
                break;
            }
            _ => return None,
        }
        rest = tail;
    }
    if !seen {
        return None;
    }
    Some(if mantissa == 0 {
        Decimal::Zero
    } else if exponent >= 0 {
        let factor = u32::try_from(exponent).ok().and_then(|e| 10u128.checked_pow(e));
        factor.and_then(|factor| mantissa.checked_mul(factor)).map_or(Decimal::Huge, Decimal::Parts)
    } else {
        let divisor = u32::try_from(-exponent).ok().and_then(|e| 10u128.checked_pow(e));
        Decimal::Parts(divisor.map_or(0, |divisor| mantissa / divisor))
    })
}

/// The exponent after the `e`. An absurdly large exponent is treated as a very large one.
fn power(text: &[u8]) -> Option<i64> {
    let (sign, digits) = match text.split_first()? {
        (b'-', digits) => (-1, digits),
        (b'+', digits) => (1, digits),
        _ => (1, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let size = digits.iter().fold(0i64, |n, digit| (n * 10 + i64::from(digit - b'0')).min(1 << 40));
    Some(sign * size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_exact_and_floored() {
        let parts = |text: &str| read(text.as_bytes());
        assert_eq!(parts("0.3"), Ok(Amount::Parts(300_000_000)));
        assert_eq!(parts(" +12 "), Ok(Amount::Parts(12 * PARTS)));
        assert_eq!(parts("1e3"), Ok(Amount::Parts(1000 * PARTS)));
        assert_eq!(parts("1.5E-1"), Ok(Amount::Parts(150_000_000)));
        assert_eq!(parts("0.0000000019"), Ok(Amount::Parts(1)));
        assert_eq!(parts(".5"), Ok(Amount::Parts(500_000_000)));
        assert_eq!(parts("5."), Ok(Amount::Parts(5 * PARTS)));
        assert_eq!(parts("-0.0"), Ok(Amount::Parts(0)));
        assert_eq!(parts(&format!("{}1", "0".repeat(500))), Ok(Amount::Parts(PARTS)));
        assert_eq!(parts(&format!("1.{}", "9".repeat(500))), Ok(Amount::Parts(2 * PARTS - 1)));
        assert_eq!(parts("0e999999999999999999999"), Ok(Amount::Parts(0)));
        assert_eq!(parts("1e-999999999999999999999"), Ok(Amount::Parts(0)));
    }

    #[test]
    fn what_is_no_usable_number_is_not_sent_and_what_is_huge_is_the_top() {
        for text in ["nan", "-NaN", "-1", "-inf", "-1e-400", "-0.1"] {
            assert_eq!(read(text.as_bytes()), Err(Unfit::Negative), "{text}");
        }
        for text in ["x", "1,5", "0x10", "1e", "1e+", "--1", ".", "1.2.3", "=1+1", "1 2", "\0", "e5"] {
            assert_eq!(read(text.as_bytes()), Err(Unfit::NotANumber), "{text}");
        }
        assert_eq!(read(b"  "), Err(Unfit::Missing));
        for text in ["inf", "+Infinity", "1e400", "9007199254740993", &"9".repeat(400), "1e99999999999999999999999"] {
            assert_eq!(read(text.as_bytes()), Ok(Amount::Top), "{text}");
        }
        assert_eq!(read(b"9007199254740992"), Ok(Amount::Parts(MOST)));
    }
}
