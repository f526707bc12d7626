"""Everything that is signed, a second time, from docs/DELEGATION.md alone.

Shares no code with proto/trust and was not written from it: where the two
agree, both follow the document. delegation.py and differential.py beside this
folder are its command lines.
"""
