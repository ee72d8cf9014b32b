//! What separates the columns of a table, found from its beginning. Where two characters could be meant, it asks instead of
//! guessing.

use crate::error::{Error, Result};
use csv_core::ReadFieldResult;

/// What may separate columns, with the words of `--delimiter` for it.
const CANDIDATES: [(u8, &str); 4] = [(b',', "','"), (b';', "';'"), (b'\t', "tab"), (b'|', "'|'")];
/// How many rows are looked at.
const ROWS_MOST: usize = 1_000;
/// A shorter beginning is not enough to tell text from other data.
const TELLING: usize = 512;

/// What a table looks like if a certain character separates its columns.
#[derive(Debug, Clone, Copy)]
struct Shape {
    delimiter: u8,
    option: &'static str,
    /// Columns of the header row.
    columns: usize,
    rows: usize,
    /// Rows with as many columns as the header.
    alike: usize,
}

impl Shape {
    /// Whether nine of ten rows are like the header.
    fn fits(&self) -> bool {
        self.alike * 10 >= self.rows * 9
    }
}

/// Finds the delimiter of a table from its beginning. `whole` says that this is the whole table.
///
/// # Errors
/// Two characters could be meant, or the input is no text.
pub(super) fn find(start: &[u8], whole: bool) -> Result<u8> {
    let strange = start.iter().filter(|byte| byte.is_ascii_control() && !byte.is_ascii_whitespace()).count();
    if start.len() >= TELLING && strange * 20 >= start.len() {
        return Err(Error::Input(
            "the input is no text: it is full of control characters; give a table in UTF-8, or OTLP bodies in JSON"
                .into(),
        ));
    }
    let shapes = CANDIDATES.map(|(delimiter, option)| shape(start, whole, delimiter, option));
    let several: Vec<&Shape> = shapes.iter().filter(|shape| shape.columns > 1).collect();
    let fitting: Vec<&Shape> = several.iter().copied().filter(|shape| shape.fits()).collect();
    match (&fitting[..], &several[..]) {
        // A table of one column is the same with each of them.
        (_, []) => Ok(b','),
        ([only], _) | ([], [only]) => Ok(only.delimiter),
        ([], many) | (many, _) => {
            let could: Vec<String> =
                many.iter().map(|shape| format!("{} ({} columns)", shape.option, shape.columns)).collect();
            let say: Vec<String> = many.iter().map(|shape| format!("--delimiter {}", shape.option)).collect();
            Err(Error::Usage(format!(
                "it is not clear what separates the columns: it could be {}. Say which: {}.",
                could.join(" or "),
                say.join(" or ")
            )))
        }
    }
}

fn shape(start: &[u8], whole: bool, delimiter: u8, option: &'static str) -> Shape {
    let mut shape = Shape { delimiter, option, columns: 0, rows: 0, alike: 0 };
    let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
    let (mut rest, mut scratch, mut columns, mut header) = (start, [0; 1024], 0, false);
    while shape.rows < ROWS_MOST {
        let (result, read, _) = reader.read_field(rest, &mut scratch);
        rest = rest.get(read..).unwrap_or_default();
        match result {
            // An empty input tells the reader that the table ends. A row that is cut off is not counted.
            ReadFieldResult::InputEmpty if whole => {}
            ReadFieldResult::InputEmpty | ReadFieldResult::End => break,
            ReadFieldResult::OutputFull => {}
            ReadFieldResult::Field { record_end } => {
                columns += 1;
                if !record_end {
                    continue;
                }
                if header {
                    shape.rows += 1;
                    shape.alike += usize::from(columns == shape.columns);
                } else {
                    (header, shape.columns) = (true, columns);
                }
                columns = 0;
            }
        }
    }
    if !header {
        // A header that is longer than what was looked at.
        shape.columns = columns;
    }
    shape
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_delimiter_is_the_one_that_makes_rows_alike() {
        for (table, wanted) in [
            ("a,b\n1,2\n", b','),
            ("a;b\n1,5;2,5\n", b';'),
            ("a\tb\n1;x\t2\n", b'\t'),
            ("a|b\n1|2\n", b'|'),
            ("a\r\n1;2\r\n", b','),
            ("\"a;b\",c\n\"1;2\",3\n", b','),
            ("\"a,b\";\"c\nd\"\n1;2\n", b';'),
            ("size,from;to\n1,2\n2,3\n", b','),
            ("a,b", b','),
            ("a;b\n1;2;3\n1\n", b';'),
            ("", b','),
        ] {
            assert_eq!(find(table.as_bytes(), true).unwrap(), wanted, "{table:?}");
        }
        // A quote that is never closed hides the rest of the table, and the header still tells.
        assert_eq!(find(b"a;b\n\"1;2\n3;4\n", true).unwrap(), b';');
        // A row that is cut off does not count.
        assert_eq!(find(b"a;b,c\n1;2\n3;4\n5,6", false).unwrap(), b';');
    }

    #[test]
    fn what_is_not_clear_is_asked() {
        for (table, could) in [
            (
                "a,b;c\n",
                "it could be ',' (2 columns) or ';' (2 columns). Say which: --delimiter ',' or --delimiter ';'.",
            ),
            ("a,b|c\td\n1,2|3\t4\n", "--delimiter ',' or --delimiter tab or --delimiter '|'"),
            ("a,b;c;d\n1\n2\n", "',' (2 columns) or ';' (3 columns)"),
        ] {
            let said = find(table.as_bytes(), true).unwrap_err().to_string();
            assert!(said.contains(could), "{table:?}: {said}");
        }
    }

    #[test]
    fn what_is_no_text_is_no_table() {
        let random: Vec<u8> = (0..4_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
        for other in [&random[..], &[0; 600], &"a\0".repeat(300).into_bytes()] {
            assert!(find(other, true).unwrap_err().to_string().contains("is no text"));
        }
        let text = "naïve\u{301}, \"1\" 2\r\n".repeat(100);
        assert!(find(text.as_bytes(), true).is_ok());
    }
}
