//! Counters, timings and attempts in every form.
#![deny(missing_docs, warnings)]

/// Scopes and events of a module of their own.
pub mod measured {
    candor::scope! {
        /// Find out what is used, so that it becomes better.
        pub USAGE = "usage" {
            title: "Usage", revision: 1, about: installation, retention: 30 days, benefit: "Less waiting", other_uses: none,
        }
    }

    /// A size of paper.
    #[derive(candor::Category)]
    pub enum Paper {
        /// A4.
        A4,
        /// Any other.
        Other,
    }

    candor::counter! {
        /// The program was opened.
        pub OPENED = "program.opened" in USAGE;
        /// A page was printed.
        pub(crate) PRINTED = "page.printed" in super::measured::USAGE {
            /// On which paper.
            pub paper: Paper
        }
        /// A list was shown.
        #[allow(dead_code, reason = "attributes go to the constant")]
        LISTED = "list.shown" in USAGE {
            /// How many entries it has, if that is known.
            #[field(count, example = 7)]
            entries: Option<u32>,
        };
    }
}

use measured::{OPENED, PRINTED, Paper};

fn main() {
    candor::attempts! {
        /// A backup was tried.
        BACKUP = "backup.tried" in measured::USAGE;
        /// A copy was tried.
        #[attempts(crate = candor)]
        COPY = "copy.tried" in measured::USAGE {
            /// On which paper it failed, if it did.
            paper: Paper,
        }
    }
    candor::timing! {
        /// A page was exported.
        EXPORTED = "page.exported" in measured::USAGE {
            /// On which paper.
            paper: Paper,
        }
        /// The program was started.
        STARTED = "program.started" in measured::USAGE;
    }
    OPENED.add();
    PRINTED.add(Paper::A4);
    let _timer = EXPORTED.start(Paper::Other);
    let timer: candor::shorthand::Timer<_, _> = STARTED.start();
    timer.discard();
    let five: Result<u8, &str> = BACKUP.of(Ok(5));
    assert_eq!(COPY.of(five, |_| Paper::Other), Ok(5));
    COPY.failed(Paper::A4);
    let _event: &dyn Send = &PRINTED.event(Paper::A4);
}
