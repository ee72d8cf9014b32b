//! Asks for consent in a terminal: shows the full notice and two or three answers that look alike. No answer is
//! preselected.

use candor::{
    Error,
    consent::{Prompt, Receipt},
};
use std::io::{self, BufRead, Write};

/// The answers that a person can give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    Later,
    Stop,
}

/// How many times the question is repeated after invalid input, before it closes.
const TRIES: usize = 3;

/// Asks, and records the answer. Three invalid inputs, or the end of the input, close the question and count as a refusal.
pub(crate) fn ask(
    prompt: Prompt<'_>,
    input: &mut impl BufRead,
    out: &mut impl Write,
) -> io::Result<Result<Receipt, Error>> {
    let answers: &[(Answer, &str)] = match (prompt.is_about_more(), prompt.can_wait()) {
        (true, _) => &[(Answer::Yes, "Extend"), (Answer::No, "Keep as before"), (Answer::Stop, "Stop it all")],
        (false, true) => &[(Answer::Yes, "Send"), (Answer::No, "Don't send"), (Answer::Later, "Ask me later")],
        (false, false) => &[(Answer::Yes, "Send"), (Answer::No, "Don't send")],
    };
    writeln!(out, "{}", prompt.notice())?;
    if prompt.is_about_more() {
        writeln!(out, "You agreed to something like it before. This has changed since:")?;
        for change in prompt.changes() {
            writeln!(out, "- {change}")?;
        }
        writeln!(out)?;
    }
    for _ in 0..TRIES {
        for (number, (_, words)) in (1..).zip(answers) {
            writeln!(out, "  {number}  {words}")?;
        }
        write!(out, "Your answer, 1 to {}: ", answers.len())?;
        out.flush()?;
        let mut line = String::new();
        if input.read_line(&mut line)? == 0 {
            break;
        }
        let chosen = line.trim().parse::<usize>().ok().and_then(|number| answers.get(number.checked_sub(1)?));
        if let Some((answer, _)) = chosen {
            return Ok(match answer {
                Answer::Yes => prompt.yes("terminal"),
                Answer::No => prompt.no(),
                Answer::Later => prompt.later(),
                Answer::Stop => prompt.stop(),
            });
        }
        writeln!(out, "Please type a number.")?;
    }
    let closed = match prompt.is_about_more() {
        true => "it stays as you agreed before, and nothing of what is new is sent.",
        false => "nothing is sent, and you are not asked about this again.",
    };
    writeln!(out, "\nNo answer is an answer: {closed}")?;
    Ok(prompt.no())
}
