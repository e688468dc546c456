"""The tables of settlement, in the PostgreSQL schema `settlement`, and the migrations that build them."""
