"""Sở Nội vụ's one-stop app (19 departments, 7 districts and towns): REST in OpenCPS style."""
