// An empty declaration is a mistake: something was meant.

candor::counter! {}
candor::timing! {}
candor::attempts! {}

fn main() {}
