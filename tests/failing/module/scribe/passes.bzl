"""What the plugin scribe offers. Generated from its descriptors: do not edit."""

DESCRIPTORS = json.decode(r'''{
 "api_version": 1,
 "exporters": {},
 "importers": {},
 "metrics": {},
 "name": "scribe",
 "passes": {},
 "runtimes": {
  "reader": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": [
    "text"
   ],
   "doc": "Reads a word in a given time."
  },
  "typist": {
   "config": {
    "fields": {},
    "version": 1
   },
   "consumes": [
    "text"
   ],
   "doc": "Reads a word in a given time."
  }
 },
 "targets": {
  "desk": {
   "accepts": [
    "text"
   ],
   "available": "",
   "capabilities": [
    "int8"
   ],
   "doc": "",
   "options": {},
   "pass_defaults": {},
   "runtime": "reader"
  },
  "typewriter": {
   "accepts": [
    "text"
   ],
   "available": "",
   "capabilities": [
    "int8"
   ],
   "doc": "",
   "options": {},
   "pass_defaults": {},
   "runtime": "typist"
  }
 }
}''')
