"""The WSGI entry for gunicorn and the like."""

import gc
import os

from django.core.wsgi import get_wsgi_application

YOUNG_OBJECTS = 50_000
"""A page of 5,000 spans makes some 100,000 objects that all live until it is sent. With Python's default of
700, half of its time went into looking for cycles among them."""

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tracer_project.settings")
application = get_wsgi_application()
gc.freeze()
gc.set_threshold(YOUNG_OBJECTS, 10, 10)
