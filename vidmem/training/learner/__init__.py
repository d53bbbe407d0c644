"""Training of codings: LWL's label encoder and decoder over a frozen model, through the steps of the solver."""
