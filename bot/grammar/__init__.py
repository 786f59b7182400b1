"""What people type after `/findme`: words, dates, what was probably meant."""
