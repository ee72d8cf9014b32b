//! Prints the manifest as a page of text. It prints what the model contains, in plain words, and never computes anything new.

use super::{Manifest, ScopePage};
use crate::{
    clean::{self, Clean, line},
    consent::State,
};
use std::fmt::{self, Write as _};

impl fmt::Display for Manifest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let f = &mut Clean(f);
        writeln!(f, "What {} reports, as of {}", line(&self.application), self.made_at)?;
        writeln!(f, "{}", "=".repeat(72))?;
        let open = self.scopes.iter().filter(|page| page.status.is_open()).count();
        match open {
            0 => writeln!(f, "On: none of this program's {} kinds of reports.", self.scopes.len())?,
            n => writeln!(
                f,
                "On: {n} of this program's {} kinds of reports. They are sent to {}.",
                self.scopes.len(),
                line(&places(self).join(" and "))
            )?,
        }
        if let Some(by) = &self.blocked_by {
            writeln!(f, "All are blocked by {}. Your own choices are kept.", line(by))?;
        }
        for page in &self.scopes {
            writeln!(f)?;
            write!(f, "{page}")?;
        }
        if !self.undeclared.is_empty() {
            writeln!(
                f,
                "\nYou also agreed to the following. This version of the program has no such reports: an earlier version had"
            )?;
            writeln!(
                f,
                "them, or another program that keeps its records here has them. You can still take your yes back."
            )?;
        }
        if let Some(why) = &self.undeclared_unread {
            writeln!(f, "\nOther things that you agreed to can't be read now: {}", line(why))?;
        }
        for yes in &self.undeclared {
            let until = yes
                .until
                .as_deref()
                .map(|until| format!(", valid until the end of {}", line(until)))
                .unwrap_or_default();
            writeln!(f, "  {}: yes, since {}{until}", line(&yes.name), line(&yes.since))?;
            if yes.erasures_waiting > 0 {
                let count = yes.erasures_waiting;
                writeln!(f, "    pending requests to delete sent data, which this version can't send: {count}")?;
            }
        }
        writeln!(f, "\nSince this program started")?;
        let outcomes = &self.outcomes;
        writeln!(
            f,
            "  stored as records {}, added to counts {}, records sent {}",
            outcomes.lines, outcomes.counted, outcomes.sent
        )?;
        for dropped in &outcomes.dropped {
            writeln!(f, "  dropped {}: {}", dropped.count, dropped.why)?;
        }
        if let Some(since) = &outcomes.lost_since {
            writeln!(f, "Lost since {since}, in this run and earlier ones")?;
            for lost in &outcomes.lost {
                writeln!(f, "  {}: {}", lost.count, lost.why)?;
            }
        }
        if let Some(why) = &outcomes.lost_unread {
            writeln!(f, "What was lost in earlier runs can't be read: {why}")?;
        }
        match &self.barred {
            Some(why) => writeln!(f, "No records are kept: {why}"),
            None => writeln!(f, "Your records are in {}", clean::path(&self.store)),
        }
    }
}

impl fmt::Display for ScopePage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let f = &mut Clean(f);
        writeln!(f, "[{}] {}", if self.status.is_open() { "on " } else { "off" }, self.title)?;
        writeln!(f, "  why           {}", self.purpose)?;
        writeln!(f, "  what you get  {}", self.benefit)?;
        let library = if self.of_library { " (a library in this program)" } else { "" };
        writeln!(f, "  who gets it   {}{library}, at {}", line(self.recipient), line(&self.endpoint))?;
        if !self.allowed {
            writeln!(f, "  not allowed   by this program: it stays off, whatever you answer")?;
        }
        writeln!(f, "  your answer   {}", answer(self))?;
        if let Some(trouble) = &self.status.trouble {
            // Trouble with a wrong clock or with changed rules ends without any action of the person.
            let until = match self.status.state {
                _ if self.status.is_open() => "",
                State::Granted | State::Superseded => "; it is off until this is over",
                State::Unreadable if self.asking_helps => "; it stays off until this is fixed or you are asked again",
                _ => "",
            };
            writeln!(f, "  trouble       {trouble}{until}")?;
        }
        if self.secret_lost {
            writeln!(f, "  trouble       the secret that makes its codes is lost or damaged. No codes are made, and")?;
            writeln!(
                f,
                "                no sampled items are counted, until you take your yes back and give it again"
            )?;
        }
        match self.status.refused_grants {
            0 => {}
            1 => {
                writeln!(f, "  refused       this program tried to switch it on without asking you, since it started")?
            }
            n => writeln!(
                f,
                "  refused       this program tried {n} times to switch it on without asking you, since it started"
            )?,
        }
        for limit in &self.status.limited_by {
            writeln!(f, "  limited by    {}", line(limit))?;
        }
        for field in &self.status.switched_off {
            writeln!(f, "  switched off  {}", line(field))?;
        }
        for change in &self.status.changes {
            writeln!(f, "  changed       {change}")?;
        }
        if self.status.state == State::Superseded {
            writeln!(f, "  you can       keep what you agreed to, extend it to all of the above, or stop it all")?;
        }
        writeln!(f, "  kept there    for {} days", self.retention_days)?;
        let envelope: Vec<String> = self.envelope.iter().map(|(name, value)| format!("{name} {value}")).collect();
        writeln!(f, "  with each     {}", envelope.join(", "))?;
        if self.budget.outcomes > 1 {
            let parts = match self.budget.panels {
                1 => String::new(),
                panels => format!("; this computer reports one of {panels} parts"),
            };
            writeln!(
                f,
                "  stays same    these reports can say {} different things about it{parts}",
                self.budget.outcomes
            )?;
        }
        writeln!(f, "  could send")?;
        for event in &self.could_send {
            writeln!(f, "    {}: {}", event.name, event.description)?;
            let codes = if event.fields.iter().any(|field| field.class == "hash") { " for each code" } else { "" };
            writeln!(f, "      {}", event.linkage_words)?;
            if let Some(day) = &event.until {
                writeln!(f, "      until the end of {day}")?;
            }
            writeln!(f, "      number of different reports possible{codes}: {}", event.outcomes)?;
            writeln!(
                f,
                "      each record has the number one in how many is counted (candor.divisor): {}",
                event.divisor
            )?;
            if let Some((name, description, words)) = &event.item {
                writeln!(f, "      {name}: {description}\n        {words}")?;
            }
            for field in &event.fields {
                let unknown = if field.optional { " (left out if not known)" } else { "" };
                writeln!(f, "      {}: {}{unknown}", field.name, field.description)?;
                writeln!(f, "        {}", field.precision)?;
                if let Some(because) = &field.because {
                    writeln!(f, "        {because}")?;
                }
                if field.unreadable > 0 {
                    writeln!(f, "        {} values could not be read and were left out", field.unreadable)?;
                }
                writeln!(f, "        Example: {} -> {}", field.example_raw, field.example_sent)?;
            }
        }
        list(f, "counted today, not final and not sent yet", &self.growing, |count| {
            let values: Vec<String> = count.values.iter().map(|(name, value)| format!("{name} {value}")).collect();
            format!("{} {}: {} x {}", count.day, count.event, count.count, values.join(", "))
        })?;
        list(f, "waiting", &self.waiting, Clone::clone)?;
        list(f, "ready to be sent", &self.ready, |body| body.trim_end().to_owned())?;
        list(f, "sent", &self.sent, |sent| {
            let padding = sent.body.len() - sent.body.trim_end().len();
            let rejected = if sent.rejected > 0 { format!(", {} rejected", sent.rejected) } else { String::new() };
            let left = format!("{}: {} records{rejected}, {} bytes", sent.at, sent.records, sent.bytes);
            let how = match sent.why_not_taken() {
                Some(why) => format!("; it was sent or may have been, and was NOT accepted: {why}"),
                None if sent.confirmed => String::new(),
                None => "; the receiver accepted it, but its answer does not follow OTLP".to_owned(),
            };
            match sent.body.trim_end() {
                "" => format!("{left}, contents not kept, as you chose{how}"),
                body => format!("{left} including {padding} of padding{how}\n      {body}"),
            }
        })?;
        if !self.unread.is_empty() {
            list(f, "can't be read now and is not shown", &self.unread, Clone::clone)?;
        }
        if !self.keeps_contents {
            writeln!(f, "    The contents of what is sent are not kept on this computer, as you chose.")?;
        }
        let known = self.erasure.as_ref().filter(|erasure| !erasure.is_empty());
        let erasure = known.map(|erasure| erasure.lines()).unwrap_or_default();
        erasure
            .iter()
            .enumerate()
            .try_for_each(|(at, line)| writeln!(f, "{}{line}", if at == 0 { "  erasure there: " } else { "    " }))
    }
}

/// The endpoints of the scopes that are on, sorted and without duplicates.
fn places(manifest: &Manifest) -> Vec<&str> {
    let open = manifest.scopes.iter().filter(|page| page.status.is_open());
    let mut places: Vec<&str> = open.map(|page| page.endpoint.as_str()).collect();
    places.sort_unstable();
    places.dedup();
    places
}

fn answer(page: &ScopePage) -> String {
    let since = page.status.since.as_deref().map_or_else(|| "an unknown time".into(), line);
    match page.status.state {
        State::NeverAsked => "you have not been asked".into(),
        State::Granted => {
            let own_words =
                if page.status.own_words { "; asked in the program's own words, which were not checked" } else { "" };
            let how = page.agreed_via.as_deref().map_or_else(|| "how is not recorded".into(), line);
            let until =
                page.status.until.as_deref().map(|day| format!(", until the end of {}", line(day))).unwrap_or_default();
            format!("yes, since {since}{until} ({how}{own_words})")
        }
        State::Denied => format!("no, since {since}"),
        State::Deferred => format!("later, since {since}: nothing is sent"),
        State::Revoked => format!("this program ended your yes at {since}: nothing is sent"),
        State::Expired => "yes, but it has expired: nothing is sent".into(),
        State::Withdrawn => format!("you took your yes back at {since}"),
        State::Superseded if page.status.is_open() => {
            format!("yes at {since}. This version would do more; only what you agreed to is sent")
        }
        State::Superseded => {
            format!("yes at {since}, to something other than what this version would do: nothing is sent")
        }
        State::Unreadable if !page.asking_helps => "it can't be read here. That counts as no".into(),
        State::Unreadable => "your record is lost, damaged or can't be read. That counts as no".into(),
    }
}

fn list<T>(f: &mut impl fmt::Write, title: &str, items: &[T], line: impl Fn(&T) -> String) -> fmt::Result {
    if items.is_empty() {
        return writeln!(f, "  {title}: nothing");
    }
    writeln!(f, "  {title}: {}", items.len())?;
    for item in items {
        writeln!(f, "    {}", line(item))?;
    }
    Ok(())
}
