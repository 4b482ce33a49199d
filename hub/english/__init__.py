"""What the hub says in Chinese, said in English: a phrase book as data, read in one place."""
