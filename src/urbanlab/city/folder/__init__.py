"""A city on disk: Parquet tables and `city.json`, which hold together by hashes and come back bit for bit."""

from urbanlab.city.folder.city import City, is_city_folder

__all__ = ["City", "is_city_folder"]
