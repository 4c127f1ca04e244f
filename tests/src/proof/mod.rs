//! The two oracles over every route: no answer shows what its caller may not see, and none withholds what is due; and two
//! worlds that differ only in what may not be seen give equal answers.

pub mod cast;
pub mod check;
pub mod pair;
pub mod request;
pub mod run;
pub mod scan;
pub mod script;
pub mod stage;
pub mod vectors;
