//! candor's own sentences in English. Holds only words, and never decides what is shown.

use super::sentence::Say;

/// The plural form in English: 0 for one, 1 for every other number.
pub(super) fn form(n: u64) -> usize {
    usize::from(n != 1)
}

pub(super) const fn sentence(say: Say) -> &'static str {
    match say {
        Say::Number => "12345.6",
        Say::Date => "{year}-{month}-{day}",
        Say::MegabitsPerSecond => "{n} Mbit/s",
        Say::KilobitsPerSecond => "{n} kbit/s",
        Say::BitsPerSecond => "{n} bit/s",
        Say::Gibibytes => "{n} GiB",
        Say::Mebibytes => "{n} MiB",
        Say::Kibibytes => "{n} KiB",
        Say::Bytes => "{n} B",
        Say::Seconds => "{n} s",
        Say::Milliseconds => "{n} ms",
        Say::Minutes => "{n} min",
        Say::Days => "{n} {n:day|days}",
        Say::Weeks => "{n} {n:week|weeks}",
        Say::Lines => "{n} {n:line|lines}",
        Say::Percent => "{n} %",
        Say::ToUnder => "{low} to under {high}",
        Say::OrMore => "{low} or more",
        Say::Through => "{low} to {high}",
        Say::None => "none",
        Say::Under => "under {high}",
        Say::NotAll => "{low} or more, not all",
        Say::All => "all",
        Say::Before => "before {high}",
        Say::ToBefore => "{low} to before {high}",
        Say::OrLater => "{low} or later",
        Say::No => "no",
        Say::Yes => "yes",
        Say::NotSent => "not sent",
        Say::ACode => "a code",
        Say::Group => "group {n} of {all}",
        Say::YesOrNo => "yes or no",
        Say::OneOf => "one of: {labels}",
        Say::OneStepAtRandom => {
            "rounded at random to one of the two nearest of {n} steps, so that sums are right: {steps}"
        }
        Say::OneStepOf => "rounded down to one of {n} steps: {steps}",
        Say::CodeOf => "a {bits}-bit code made with a secret that stays on this computer",
        Say::OneGroupOf => "one of {n} groups, chosen with a secret that stays on this computer",
        Say::OneRelease => "one of the program's last {n} releases, or older, or other",
        Say::NextStep | Say::NextLabel => "{first}, {next}",
        Say::LongSteps => "{first}, {second}, {third}, … {last}",
        Say::StepBefore => "before",
        Say::StepOlder => "older",
        Say::LabelAsSent => "{words} ({label})",
        Say::Other => "other",
        Say::Night => "night",
        Say::Morning => "morning",
        Say::Afternoon => "afternoon",
        Say::Evening => "evening",
        Say::Loopback => "this computer itself",
        Say::Private => "a home or company network",
        Say::LinkLocal => "the directly connected network only",
        Say::GlobalV4 => "an internet address (IPv4)",
        Say::GlobalV6 => "an internet address (IPv6)",
        Say::Empty => "empty",
        Say::DigitsTo8 => "1 to 8 digits",
        Say::DigitsTo32 => "9 to 32 digits",
        Say::DigitsTo128 => "33 to 128 digits",
        Say::DigitsOver128 => "more than 128 digits",
        Say::AsciiTo8 => "1 to 8 plain characters",
        Say::AsciiTo32 => "9 to 32 plain characters",
        Say::AsciiTo128 => "33 to 128 plain characters",
        Say::AsciiOver128 => "more than 128 plain characters",
        Say::UnicodeTo8 => "1 to 8 characters of any kind",
        Say::UnicodeTo32 => "9 to 32 characters of any kind",
        Say::UnicodeTo128 => "33 to 128 characters of any kind",
        Say::UnicodeOver128 => "more than 128 characters of any kind",
        Say::Rollup => {
            "counted on this computer; only the day's counts are sent, each rounded at random to one of its two \
             neighbouring steps, so that sums are right: 1, 2, 3, 5, 9, 17, 33 and so on, up to 1,048,577"
        }
        Say::RollupOfWeek => {
            "counted on this computer; only the counts of a week (Monday to Sunday) are sent, each rounded at random to \
             one of its two neighbouring steps, so that sums are right: 1, 2, 3, 5, 9, 17, 33 and so on, up to 1,048,577"
        }
        Say::RollupOfMonth => {
            "counted on this computer; only the counts of a month are sent, each rounded at random to one of its two \
             neighbouring steps, so that sums are right: 1, 2, 3, 5, 9, 17, 33 and so on, up to 1,048,577"
        }
        Say::RollupSooner => "more often than once a month, because {reason}",
        Say::OnceADay => "one record a day at most, without a code, however often it happens",
        Say::OnceAWeek => "one record a week (Monday to Sunday) at most, without a code, however often it happens",
        Say::OnceAMonth => "one record a month at most, without a code, however often it happens",
        Say::SnapshotOfWeek => {
            "once a week (Monday to Sunday) at most, when it is over; each line is a separate record, without a code"
        }
        Say::SnapshotOfMonth => "once a month at most, when it is over; each line is a separate record, without a code",
        Say::ForEach => "for each: {keys}",
        Say::Smallest => "the smallest value of the period",
        Say::Mean => "the mean of the values of the period",
        Say::Largest => "the largest value of the period",
        Say::ValuesOfFirst => "with the values of the first time",
        Say::ValuesOfLast => "with the values of the last time",
        Say::NoLinkage => "each is sent as a separate record, without a code; the records of one day arrive together",
        Say::Session => "codes stay the same until the program or the day ends",
        Say::Day => "codes stay the same for a day",
        Say::Week => "codes stay the same for a week",
        Say::Month => "codes stay the same for a month",
        Say::ItemAll => "all are counted; the value itself is never stored or sent",
        Say::ItemAllBecause => "all are counted, because {reason}; the value itself is never stored or sent",
        Say::ItemFew => {
            "only 1 in {n} can ever be counted, always the same ones; of these, 1 in {months} is counted, others each month; a \
             secret on this computer picks them; the value itself is never stored or sent"
        }
        Say::ItemFewBecause => {
            "only 1 in {n} is counted, because {reason}; always the same ones, picked with a secret on this computer; \
             the value itself is never stored or sent"
        }
        Say::NotContent => "not treated as something you play, because {reason}",
        Say::Exact => "some numbers are sent exactly, because {reason}",
        Say::Why => "Why: {purpose}",
        Say::Benefit => "What you get: {benefit}.",
        Say::NoFeature => "No feature of this program depends on your answer.",
        Say::Reports => "What this program would report",
        Say::Event => "{doc} ({name})",
        Say::Until => "until the end of {day}",
        Say::Field => "{name}: {doc}",
        Say::LeftOut => "left out if it is not known",
        Say::NothingYet => "nothing yet: this version of the program sends no such reports",
        Say::Stays => {
            "Together, these reports can say {n} different things about what stays the same on your computer. The fewer \
             there are, the more computers say the same as yours."
        }
        Say::StaysInParts => {
            "Your computer reports only one of {panels} parts of them. A secret on your computer picks the part."
        }
        Say::StaysMore => "They can say more than usual, because {reason}.",
        Say::Envelope => {
            "Each request also names the program ({program}), the software that sends it (candor, with its version and \
             programming language), the kind of report with its revision, and how long the data may be kept. Each \
             record has a random number. It also says one in how many is counted."
        }
        Say::CutToDay => "Times are rounded down to the day.",
        Say::Receiver => "Who receives it: {name}, {address} ({country})",
        Say::At => "at {endpoint}",
        Say::Contact => "contact: {contact}",
        Say::Officer => "data-protection officer: {officer}",
        Say::NoOfficer => "data-protection officer: none",
        Say::Authority => "authority for complaints: {authority}",
        Say::NoAuthority => "authority for complaints: none named",
        Say::Processors => "processed on their behalf by: {list}",
        Say::NoProcessors => "processed on their behalf by: nobody",
        Say::Countries => "kept in: {list}",
        Say::NoCountries => "kept in: no country named",
        Say::Safeguard => "safeguard for international transfers: {safeguard}",
        Say::NoSafeguard => "safeguard for international transfers: none",
        Say::PassedOn => "passed on to: {list}",
        Say::NotPassedOn => "passed on to: nobody",
        Say::AddressNotKept => {
            "your network address (IP address): the recipient sees it, as with any connection, and does not keep it"
        }
        Say::AddressKept => {
            "your network address (IP address): the recipient sees it, as with any connection, and keeps it for {days} \
             {days:day|days}"
        }
        Say::Retention => "How long: the recipient keeps the data for {days} {days:day|days}.",
        Say::Schedule => "When: once a day, at a random time of its own, or when the program asks for it.",
        Say::Here => "What is kept on this computer",
        Say::HereWaiting => "data that waits to be sent: {days} {days:day|days} at most",
        Say::HereCounts => {
            "counts that still grow, or a count of one that waits for more to be sent with it: {days} {days:day|days} at most"
        }
        Say::HereTold => {
            "in which day, week or month a report was made that is made once in it: no longer than your yes lasts"
        }
        Say::HereSent => "a copy of what was sent, for you: {days} {days:day|days}",
        Say::HereNames => {
            "the random numbers of the records that were sent, so that you can have those records deleted: {days} \
             {days:day|days}"
        }
        Say::HereSecret => "a secret that makes codes and random choices: no longer than your yes lasts",
        Say::HereDay => {
            "the latest day on which your yes was used, so that a wrong clock can't extend it: no longer than your yes \
             lasts"
        }
        Say::HereAnswer => "your answer and what you were asked, as your record: until this program's data is deleted",
        Say::Uses => "Other uses of this data",
        Say::UseNo => "{what}: no",
        Say::UseYes => "{what}: YES, {why}",
        Say::UseTraining => "training of machine-learning models",
        Say::UseSale => "sale, or sharing with others for their own purposes",
        Say::UseAdvertising => "advertising",
        Say::UseProfiling => "profiling of people",
        Say::UseWorkers => "judging the performance of workers",
        Say::Never => "{promise}: never",
        Say::Validity => {
            "A yes is valid for {days} {days:day|days}. After that, reporting stops, data that waits is not sent, and \
             you may be asked again."
        }
        Say::Withdraw => {
            "You can say no. You can also take back a yes in this program at any time, as easily as you gave it: \
             reporting stops, and data that waits is destroyed. Data that was already sent stays with the recipient \
             until the retention period is over."
        }
        Say::Erase => {
            "If you ask for the sent data to be deleted, the random numbers of those records are sent to the same \
             recipient, in one request for each batch, at random times within 7 days, with nothing else about you. The \
             recipient promises to delete the records within {days} {days:day|days}."
        }
        Say::NoErase => {
            "The recipient can't delete single records before the retention period is over. If you ask for it, nothing \
             is sent."
        }
    }
}
