//! The program run as a whole: every figure against a slow second computation, hostile inputs, the page, its words.

mod agreement;
mod hostile;
mod otlp;
mod page;
mod program;
mod reference;
mod tidy;
