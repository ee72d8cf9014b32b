//! A question in a terminal: the notice, whole, and three answers that look alike, none of them chosen beforehand.

use candor::{
    Error,
    consent::{Prompt, Receipt},
};
use std::io::{self, BufRead, Write};

/// What a person can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answer {
    Yes,
    No,
    Later,
    Stop,
}

/// How often an answer that is none is asked for again, before the question closes.
const TRIES: usize = 3;

/// Asks, and records the answer. What is no answer, the end of the input among it, closes the question: that is a no.
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
