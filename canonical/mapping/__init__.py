"""Wire words to canonical words: the mapping language, compiled once per version into functions."""

from canonical.mapping.compile import Mapping, MappingFault, compile_mapping

__all__ = ["Mapping", "MappingFault", "compile_mapping"]
